import { Bitfield } from '@pixtorrent/core';
import { TokenBucket } from '@pixtorrent/engine';
import { describe, expect, it } from 'vitest';
import type { SimulatedNode } from '../simulated-node.ts';
import { SimulatedSwarm, shapeOf } from '../simulated-swarm.ts';

const RATE = 5_000_000;
const LINE = { uplink: RATE, downlink: RATE };
const SHAPE = shapeOf(64, 128 * 1024);

/** The pieces of a node in the order in which they came. */
function arrivals(swarm: SimulatedSwarm, node: SimulatedNode): number[] {
  const order: number[] = [];
  const events = node.torrent!.dependencies.events as {
    pieceVerified?(piece: number, remaining: number): void;
  };
  const { pieceVerified } = events;
  events.pieceVerified = (piece, remaining) => {
    order.push(piece);
    pieceVerified?.(piece, remaining);
  };
  swarm.run({ deadline: 600_000 });
  return order;
}

describe('what a user wishes', () => {
  it('pieces in order come nearly in order', () => {
    for (const wire of ['pixwire', 'bep3'] as const) {
      const swarm = new SimulatedSwarm({ seed: 1, shape: SHAPE, wire });
      swarm.addSeeders(3, LINE);
      const order = arrivals(swarm, swarm.add({ ...LINE, torrent: { order: 'sequential' } }));
      expect(order).toHaveLength(64);
      const latest = order.map((piece, index) => Math.abs(piece - index));
      expect(Math.max(...latest)).toBeLessThan(16);
    }
  });

  it('pieces with a deadline come first, the most urgent before the others', () => {
    const swarm = new SimulatedSwarm({ seed: 2, shape: SHAPE });
    swarm.addSeeders(1, LINE);
    const node = swarm.add(LINE);
    node.torrent!.setDeadline(50, 2000);
    node.torrent!.setDeadline(60, 1000);
    const order = arrivals(swarm, node);
    expect(order.slice(0, 2)).toEqual([60, 50]);
  });

  it('only what is wanted is fetched', () => {
    const swarm = new SimulatedSwarm({ seed: 3, shape: SHAPE });
    swarm.addSeeders(1, LINE);
    const wanted = new Bitfield(64);
    for (const piece of [3, 4, 5, 63]) wanted.add(piece);
    const node = swarm.add({ ...LINE, torrent: { wanted } });
    const order = arrivals(swarm, node);
    expect([...order].sort((a, b) => a - b)).toEqual([3, 4, 5, 63]);
    expect(node.finishedAt).toBeDefined();
    expect(node.payloadReceived).toBe(4 * 128 * 1024);
  });

  it('those who want a part give it to each other', () => {
    const swarm = new SimulatedSwarm({ seed: 4, shape: SHAPE });
    const [seeder] = swarm.addSeeders(1, LINE);
    const half = (from: number): Bitfield => {
      const wanted = new Bitfield(64);
      for (let piece = from; piece < from + 32; piece++) wanted.add(piece);
      return wanted;
    };
    const nodes = swarm.addLeechers(8, (number) => ({
      ...LINE,
      torrent: { wanted: half((number % 2) * 32) },
    }));
    const report = swarm.run({ deadline: 600_000 });
    expect(report.unfinished).toBe(0);
    for (const [index, node] of nodes.entries()) {
      expect([...node.pieces.stored]).toEqual([...half((index % 2) * 32)]);
    }
    expect(seeder!.payloadSent / SHAPE.length).toBeLessThan(2);
  });

  it('limits are kept, up and down', () => {
    const limit = 1_000_000;
    for (const wire of ['pixwire', 'bep3'] as const) {
      const down = new SimulatedSwarm({ seed: 5, shape: SHAPE, wire });
      down.addSeeders(3, LINE);
      down.addLeechers(1, { ...LINE, torrent: { downloadLimits: [new TokenBucket(limit, 0)] } });
      const up = new SimulatedSwarm({ seed: 6, shape: SHAPE, wire });
      up.addSeeders(1, { ...LINE, torrent: { uploadLimits: [new TokenBucket(limit, 0)] } });
      up.addLeechers(1, LINE);
      for (const swarm of [down, up]) {
        const report = swarm.run({ deadline: 600_000 });
        const ideal = (SHAPE.length / limit) * 1000;
        expect(report.unfinished).toBe(0);
        expect(report.last / ideal).toBeGreaterThan(0.95);
        expect(report.last / ideal).toBeLessThan(1.15);
        expect(report.bans).toBe(0);
      }
    }
  });

  it('a limit that is lifted holds nobody up any more', () => {
    for (const direction of ['up', 'down'] as const) {
      const bucket = new TokenBucket(1000, 0);
      const swarm = new SimulatedSwarm({ seed: 8, shape: SHAPE });
      swarm.addSeeders(1, { ...LINE, ...(direction === 'up' && { torrent: { uploadLimits: [bucket] } }) });
      swarm.addLeechers(1, {
        ...LINE,
        ...(direction === 'down' && { torrent: { downloadLimits: [bucket] } }),
      });
      swarm.time.at(2000, () => bucket.setRate(Number.POSITIVE_INFINITY, 2000));
      const report = swarm.run({ deadline: 60_000 });
      expect(report.unfinished).toBe(0);
      expect(report.last).toBeGreaterThan(2000);
      expect(report.last - 2000).toBeLessThan((SHAPE.length / RATE) * 1000 * 1.1 + 500);
    }
  });

  it('a super-seeder serves a whole swarm with hardly more than one copy', () => {
    for (const wire of ['pixwire', 'bep3'] as const) {
      const swarm = new SimulatedSwarm({ seed: 7, shape: SHAPE, wire });
      swarm.addSeeders(1, { ...LINE, torrent: { superSeed: true } });
      swarm.addLeechers(8, LINE);
      const report = swarm.run({ deadline: 600_000 });
      expect(report.unfinished).toBe(0);
      expect(report.seederAmplification).toBeLessThan(1.4);
    }
  });
});
