import { describe, expect, it } from 'vitest';
import type { SimulatedNode } from '../simulated-node.ts';
import { SimulatedSwarm, shapeOf } from '../simulated-swarm.ts';

const RATE = 10_000_000;
const SHAPE = shapeOf(128, 128 * 1024, 70_000);
const IDEAL = (SHAPE.length / RATE) * 1000;
const LINE = { uplink: RATE, downlink: RATE };
const WIRES = ['pixwire', 'bep3'] as const;

function allHaveIt(nodes: readonly SimulatedNode[]): void {
  for (const node of nodes) {
    expect(node.finishedAt, node.host.name).toBeDefined();
    expect(node.pieces.stored.complete, node.host.name).toBe(true);
    expect(node.pieces.slots, node.host.name).toBe(0);
    expect(node.torrent!.pieces.active.size, node.host.name).toBe(0);
  }
}

/** Lets what is under way come to rest. */
function rest(swarm: SimulatedSwarm): void {
  swarm.time.run({ until: swarm.time.now() + 2000 });
}

describe.each(WIRES)('a swarm on %s', (wire) => {
  it('finds out its liars, and bans nobody else', () => {
    const swarm = new SimulatedSwarm({ seed: 11, shape: SHAPE, wire });
    swarm.addSeeders(1, LINE);
    const always = swarm.add({ ...LINE, have: 'all', pieces: { corrupts: () => true } });
    const seldom = swarm.add({
      ...LINE,
      have: 'all',
      pieces: { corrupts: (piece, block) => (piece + block) % 9 === 0 },
    });
    const leechers = swarm.addLeechers(8, LINE);
    const report = swarm.run({ deadline: 20 * IDEAL });
    rest(swarm);
    expect(report.unfinished).toBe(0);
    allHaveIt(leechers);
    const liars = new Set([always.endpoint.host, seldom.endpoint.host]);
    for (const node of swarm.nodes) for (const { key } of node.bans) expect(liars).toContain(key);
    for (const leecher of leechers) expect(leecher.bans.length).toBeGreaterThan(0);
  });

  it('gets on without the silent and the mute', () => {
    const swarm = new SimulatedSwarm({ seed: 12, shape: SHAPE, wire });
    swarm.addSeeders(1, LINE);
    for (let i = 0; i < 3; i++) swarm.add({ ...LINE, have: 'all', behaviour: 'silent' });
    swarm.add({ behaviour: 'mute' });
    const leechers = swarm.addLeechers(8, LINE);
    swarm.run({ deadline: 120_000 });
    rest(swarm);
    allHaveIt(leechers);
    expect(Math.max(...leechers.map((node) => node.finishedAt!))).toBeLessThan(2 * IDEAL + 20_000);
  });

  it('survives the death of half of its members in mid-transfer', () => {
    const swarm = new SimulatedSwarm({ seed: 13, shape: SHAPE, wire });
    swarm.addSeeders(1, LINE);
    const ends = ['killAt', 'vanishAt', 'leaveAt'] as const;
    swarm.addLeechers(9, (number) => ({ ...LINE, [ends[number % 3]!]: IDEAL * (0.2 + number / 15) }));
    const staying = swarm.addLeechers(8, LINE);
    swarm.run({ deadline: 200_000 });
    rest(swarm);
    allHaveIt(staying);
  });

  it('finishes by itself when the seeder leaves as soon as each piece is somewhere else', () => {
    const swarm = new SimulatedSwarm({ seed: 14, shape: SHAPE, wire });
    const [seeder] = swarm.addSeeders(1, LINE);
    const leechers = swarm.addLeechers(10, LINE);
    const somewhere = (piece: number): boolean => leechers.some((node) => node.torrent!.have.has(piece));
    const pieces = Array.from({ length: SHAPE.pieceCount }, (_, piece) => piece);
    const spread = (): boolean => seeder!.payloadSent >= SHAPE.length && pieces.every(somewhere);
    swarm.run({ deadline: 100_000, when: spread });
    expect(leechers.some((node) => node.finishedAt === undefined)).toBe(true);
    swarm.leave(seeder!);
    const report = swarm.run({ deadline: 100_000 });
    rest(swarm);
    expect(report.unfinished).toBe(0);
    allHaveIt(leechers);
  });

  it('takes in a crowd that comes over time', () => {
    const swarm = new SimulatedSwarm({ seed: 15, shape: SHAPE, wire });
    swarm.addSeeders(1, LINE);
    const crowd = swarm.addLeechers(24, (number) => ({ ...LINE, joinAt: number * 100 }));
    const report = swarm.run({ deadline: 60 * IDEAL });
    rest(swarm);
    allHaveIt(crowd);
    expect(report.last / IDEAL).toBeLessThan(2.5);
    expect(report.seederAmplification).toBeLessThan(3);
  });

  it('completes where each has memory for one or two pieces', () => {
    for (const slots of [1, 2]) {
      const swarm = new SimulatedSwarm({ seed: 16 + slots, shape: SHAPE, wire });
      const torrent = { tuning: { uploadSlots: 2 } };
      swarm.addSeeders(1, { ...LINE, torrent });
      const leechers = swarm.addLeechers(8, { ...LINE, torrent, pieces: { slots } });
      swarm.run({ deadline: 600_000 });
      rest(swarm);
      allHaveIt(leechers);
    }
  });

  it('gets over connections that break again and again', () => {
    const swarm = new SimulatedSwarm({ seed: 19, shape: SHAPE, wire });
    swarm.addSeeders(1, LINE);
    const leechers = swarm.addLeechers(6, LINE);
    for (let cut = 1; cut <= 60; cut++) {
      swarm.time.at(cut * 60, () => {
        const links = [...leechers[cut % 6]!.links];
        links[cut % Math.max(1, links.length)]?.cut();
      });
    }
    swarm.run({ deadline: 120_000 });
    rest(swarm);
    allHaveIt(leechers);
    for (const node of swarm.nodes) expect(node.bans).toEqual([]);
  });

  it('heals after a line that stood still', () => {
    const swarm = new SimulatedSwarm({ seed: 20, shape: SHAPE, wire });
    swarm.addSeeders(1, LINE);
    const leechers = swarm.addLeechers(6, LINE);
    const { host } = leechers[2]!;
    swarm.time.at(IDEAL / 3, () => host.setRates({ uplink: 0, downlink: 1e-6 }));
    swarm.time.at(IDEAL / 3 + 20_000, () => host.setRates(LINE));
    const others = leechers.filter((node) => node.host !== host);
    swarm.run({ deadline: 600_000, when: () => others.every((node) => node.finishedAt !== undefined) });
    expect(swarm.time.now()).toBeLessThan(2 * IDEAL + 15_000);
    for (const node of swarm.nodes) expect(node.bans).toEqual([]);
  });

  it('ends whole for pieces of any shape', () => {
    for (const shape of [
      shapeOf(1, 16_384, 1),
      shapeOf(1, 5_000_000),
      shapeOf(40, 40_000, 3),
      shapeOf(300, 1000, 999),
      shapeOf(3, 16 * 1024 * 1024, 16 * 1024 * 1024 - 1),
    ]) {
      const swarm = new SimulatedSwarm({ seed: 21, shape, wire });
      swarm.addSeeders(1, LINE);
      const leechers = swarm.addLeechers(3, LINE);
      swarm.run({ deadline: 120_000 });
      rest(swarm);
      allHaveIt(leechers);
    }
  });
});
