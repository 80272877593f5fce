import { Bitfield, SeededRandom } from '@pixtorrent/core';
import { describe, expect, it } from 'vitest';
import type { NodeOptions, SimulatedNode } from '../simulated-node.ts';
import { SimulatedSwarm, shapeOf } from '../simulated-swarm.ts';

const PIECES = 200;
const SHAPE = shapeOf(PIECES, 512 * 1024);
const RATE = 5_000_000;
const LINE = { uplink: RATE, downlink: 4 * RATE };
/** The only copies of these are at the node that leaves. */
const SOLE = Array.from({ length: PIECES / 10 }, (_, i) => i * 10 + 3);
const IDEAL = (SOLE.length * SHAPE.pieceLength * 1000) / RATE;

/**
 * Five nodes: the first, which is to leave, has the only copies of a tenth of the pieces, and half of the others. Of
 * those each other node has a random part, so that some are as rare as the sole ones.
 */
function torn(seed: number, others: (number: number) => NodeOptions = () => ({})) {
  const swarm = new SimulatedSwarm({ seed, shape: SHAPE });
  const random = new SeededRandom(seed);
  const rest = Array.from({ length: PIECES }, (_, piece) => piece).filter((piece) => !SOLE.includes(piece));
  const own = [...SOLE, ...rest.filter((piece) => piece % 2 === 0)];
  const leaving = swarm.add({ ...LINE, have: own, torrent: WITHHOLDING });
  const parts: number[][] = [[], [], [], []];
  for (const piece of rest) {
    parts[random.below(4)]!.push(piece);
    const second = parts[random.below(4)]!;
    if (second.at(-1) !== piece && piece % 3 > 0) second.push(piece);
  }
  const staying = parts.map((have, number) => swarm.add({ ...LINE, have, ...others(number) }));
  return { swarm, leaving, staying };
}

/** All its peers are choked until it leaves. */
const WITHHOLDING = { tuning: { uploadSlots: 0 } };

const sole = (node: SimulatedNode): number => node.torrent!.pieces.availability.sole;

/** @returns milliseconds until nobody loses anything by the node's leaving */
function drain(swarm: SimulatedSwarm, leaving: SimulatedNode, after: number): number {
  swarm.time.run({ until: after });
  expect(sole(leaving)).toBeGreaterThan(0);
  leaving.torrent!.drain();
  swarm.time.run({ until: after + 120_000, when: () => sole(leaving) === 0 });
  expect(sole(leaving)).toBe(0);
  return swarm.time.now() - after;
}

function nothingIsLost(swarm: SimulatedSwarm, leaving: SimulatedNode, staying: SimulatedNode[]): void {
  swarm.leave(leaving);
  expect(swarm.run({ deadline: swarm.time.now() + 1_200_000 }).unfinished).toBe(0);
  for (const node of staying) expect(node.pieces.stored.complete).toBe(true);
}

describe('a node that leaves with the only copy of some pieces', () => {
  it('passes them on in little more time than its line needs for them, whatever else is wanted', () => {
    for (const seed of [1, 2, 3]) {
      const { swarm, leaving, staying } = torn(seed);
      const before = leaving.payloadReceived;
      const time = drain(swarm, leaving, 300);
      expect(time / IDEAL).toBeLessThan(1.25);
      // What was on its way still came.
      expect(leaving.payloadReceived - before).toBeLessThan(20 * SHAPE.pieceLength);
      nothingIsLost(swarm, leaving, staying);
    }
  });

  it('does so though some of them take slowly', () => {
    for (const seed of [4, 5]) {
      const { swarm, leaving, staying } = torn(seed, (number) => (number < 2 ? { downlink: RATE / 20 } : {}));
      expect(drain(swarm, leaving, 100) / IDEAL).toBeLessThan(2.5);
      nothingIsLost(swarm, leaving, staying);
    }
  });

  it('tells that nobody takes them where nobody wants them', () => {
    const none = new Bitfield(PIECES);
    const { swarm, leaving } = torn(6, () => ({ torrent: { wanted: none, selective: true } }));
    swarm.time.run({ until: 100 });
    leaving.torrent!.drain();
    swarm.time.run({ until: 60_000 });
    expect(sole(leaving)).toBe(SOLE.length);
    expect([...leaving.torrent!.peers].filter((peer) => peer.wantsData)).toEqual([]);
  });

  it('counts those who have everything though they are not connected for it, as long as they are there', () => {
    const swarm = new SimulatedSwarm({ seed: 7, shape: shapeOf(16, 128 * 1024) });
    const [seeder] = swarm.addSeeders(1, LINE);
    const [other] = swarm.addLeechers(1, LINE);
    swarm.run();
    swarm.time.run({ until: 60_000 });
    const torrent = seeder!.torrent!;
    expect([torrent.peers.size, other!.torrent!.peers.size]).toEqual([0, 0]);
    expect(torrent.availability()).toEqual({ rarest: 2, sole: 0, soleBytes: 0 });
    expect(other!.torrent!.availability().rarest).toBe(2);
    torrent.drain();
    expect(torrent.availability().sole).toBe(16);
    swarm.time.run({ until: 61_000 });
    expect(torrent.availability().sole).toBe(0);
    swarm.kill(other!);
    swarm.time.run({ until: 900_000 });
    expect(torrent.availability()).toMatchObject({ rarest: 1, sole: 16 });
  });
});
