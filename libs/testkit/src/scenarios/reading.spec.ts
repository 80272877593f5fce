import { describe, expect, it } from 'vitest';
import type { NodeOptions, SimulatedNode } from '../simulated-node.ts';
import { SimulatedSwarm, shapeOf } from '../simulated-swarm.ts';

const MEGABYTE = 1_000_000;
const PIECES = 1024;
/** Pieces that a reader asks for ahead. */
const AHEAD = 8;

interface Place {
  readonly wire: 'pixwire' | 'bep3';
  readonly seeders: number;
  readonly rate: number;
  readonly delay: number;
  readonly pieceLength: number;
  readonly reader?: NodeOptions;
}

/** A download that has been under way for a while; each seeder has `rate`, the reader as much as all of them. */
function underWay(place: Place, seed: number): { swarm: SimulatedSwarm; node: SimulatedNode } {
  const { wire, seeders, rate, delay, pieceLength, reader } = place;
  const swarm = new SimulatedSwarm({ seed, shape: shapeOf(PIECES, pieceLength), wire, network: { delay } });
  swarm.addSeeders(seeders, { uplink: rate, downlink: rate });
  const node = swarm.add({ uplink: rate, downlink: rate * seeders, ...reader });
  swarm.time.run({ until: ((200 + 7 * seed) * pieceLength * 1000) / (rate * seeders) });
  return { swarm, node };
}

/** A piece from which on nothing is here. */
function somewhere(node: SimulatedNode, from: number): number {
  let piece = from;
  const missing = (p: number): boolean => node.torrent!.pieces.state(p) === 'missing';
  while (!missing(piece) || !missing(piece + 1)) piece++;
  return piece;
}

/** @returns milliseconds until the first piece of a random range is verified */
function readFirst(swarm: SimulatedSwarm, node: SimulatedNode, first: number): number {
  const start = swarm.time.now();
  for (let i = 0; i < AHEAD; i++) node.torrent!.setDeadline(first + i, start + i);
  swarm.time.run({ until: start + 60_000, when: () => node.torrent!.have.has(first) });
  expect(node.torrent!.have.has(first)).toBe(true);
  return swarm.time.now() - start;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

describe('reading a random range of a large torrent while all of it is downloaded', () => {
  it.each([
    { wire: 'pixwire', seeders: 1, rate: 10 * MEGABYTE, delay: 10, pieceLength: 1 << 20, bound: 1.6 },
    { wire: 'pixwire', seeders: 1, rate: 10 * MEGABYTE, delay: 10, pieceLength: 1 << 18, bound: 2 },
    { wire: 'pixwire', seeders: 4, rate: 10 * MEGABYTE, delay: 10, pieceLength: 1 << 20, bound: 2.6 },
    { wire: 'pixwire', seeders: 1, rate: 100 * MEGABYTE, delay: 1, pieceLength: 1 << 20, bound: 2.6 },
    { wire: 'bep3', seeders: 1, rate: 10 * MEGABYTE, delay: 10, pieceLength: 1 << 20, bound: 1.6 },
    { wire: 'bep3', seeders: 4, rate: 10 * MEGABYTE, delay: 10, pieceLength: 1 << 20, bound: 2.3 },
  ] satisfies (Place & { bound: number })[])(
    'takes at most $bound × the time of an idle line to the first piece: $wire, $seeders × $rate bytes a second, pieces of $pieceLength',
    ({ bound, ...place }) => {
      const ideal = 2 * place.delay + (place.pieceLength / (place.rate * place.seeders)) * 1000;
      const times = [1, 2, 3, 4, 5].map((seed) => {
        const { swarm, node } = underWay(place, seed);
        return readFirst(swarm, node, somewhere(node, 400 + 37 * seed));
      });
      expect(median(times) / ideal).toBeLessThan(bound);
    },
  );

  it('costs the download little', () => {
    const place = {
      wire: 'pixwire',
      seeders: 2,
      rate: 10 * MEGABYTE,
      delay: 10,
      pieceLength: 1 << 18,
    } as const;
    const { swarm, node } = underWay(place, 1);
    for (let from = 0; from < 900; from += 90) readFirst(swarm, node, somewhere(node, from));
    const report = swarm.run({ deadline: 60_000 });
    const ideal = (PIECES * place.pieceLength * 1000) / (place.rate * place.seeders);
    expect(report.unfinished).toBe(0);
    expect(report.last / ideal).toBeLessThan(1.15);
    expect(report.duplicateRatio).toBeLessThan(0.03);
    expect(report.bans).toBe(0);
  });

  it('finds memory though all of it is taken by what nobody waits for', () => {
    const place = {
      wire: 'pixwire',
      seeders: 4,
      rate: 100 * MEGABYTE,
      delay: 1,
      pieceLength: 1 << 20,
    } as const;
    const { swarm, node } = underWay(place, 1);
    expect(node.pieces.slots).toBe(64);
    expect(readFirst(swarm, node, somewhere(node, 500))).toBeLessThan(50);
  });

  it('goes on with somebody else when the one who was asked stands still', () => {
    const place = {
      wire: 'pixwire',
      seeders: 2,
      rate: 10 * MEGABYTE,
      delay: 1,
      pieceLength: 1 << 20,
    } as const;
    const { swarm, node } = underWay(place, 1);
    const [standing] = swarm.nodes;
    swarm.time.after(5, () => standing!.host.setRates({ uplink: 0 }));
    expect(readFirst(swarm, node, somewhere(node, 500))).toBeLessThan(2000);
  });

  it('gets what is read and nothing else where nothing else is wanted, and keeps its peers', () => {
    const swarm = new SimulatedSwarm({ seed: 1, shape: shapeOf(64, 1 << 16) });
    swarm.addSeeders(2, { uplink: MEGABYTE, downlink: MEGABYTE });
    const empty = new SimulatedSwarm({ shape: swarm.shape }).add({ have: [] }).torrent!.have;
    const node = swarm.add({ torrent: { wanted: empty, selective: true } });
    swarm.time.run({ until: 2000 });
    const torrent = node.torrent!;
    expect([torrent.peers.size, node.payloadReceived]).toEqual([2, 0]);
    for (const piece of [7, 8]) {
      torrent.want(piece);
      torrent.setDeadline(piece, swarm.time.now());
    }
    torrent.want(50);
    torrent.unwant(50);
    swarm.time.run({ until: 10_000 });
    expect([...node.pieces.stored]).toEqual([7, 8]);
    expect(torrent.peers.size).toBe(2);
  });
});
