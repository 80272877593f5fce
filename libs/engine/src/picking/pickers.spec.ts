import { type Bitfield, SeededRandom } from '@pixtorrent/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bits, full, shapeOf } from '../fixtures/staged-torrent.ts';
import type { Peer } from '../peer.ts';
import { PieceTable } from '../pieces/piece-table.ts';
import { Deadlines } from './deadlines.ts';
import { RarestFirst } from './rarest-first.ts';
import { Sequential } from './sequential.ts';

const peerWith = (has: Bitfield): Peer => ({ has, seed: has.complete }) as Peer;
const any = (): boolean => true;

function tableOf(count: number, have: readonly number[] = []): PieceTable {
  return new PieceTable(shapeOf(count, 1), bits(count, ...have), full(count), new SeededRandom(1));
}

describe('pickers', () => {
  it('pick only what the peer has, can be begun and is allowed, and pick it where there is such', () => {
    const SIZE = 40;
    const some = fc.uniqueArray(fc.nat(SIZE - 1));
    fc.assert(
      fc.property(some, some, some, some, fc.nat(1), fc.nat(), (have, begun, has, forbidden, kind, seed) => {
        const table = tableOf(SIZE, have);
        for (const piece of begun) if (!have.includes(piece)) table.begin(piece);
        const picker = kind === 1 ? new Sequential(table) : new RarestFirst(table, new SeededRandom(seed));
        const possible = has.filter((p) => !have.includes(p) && !begun.includes(p) && !forbidden.includes(p));
        const picked = picker.pick(peerWith(bits(SIZE, ...has)), (piece) => !forbidden.includes(piece));
        if (possible.length === 0) expect(picked).toBe(-1);
        else expect(possible).toContain(picked);
        if (kind === 1 && possible.length > 0) expect(picked).toBe(Math.min(...possible));
      }),
      { numRuns: 1000 },
    );
  });

  it('by rarity pick a piece that fewest have', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { minLength: 20, maxLength: 20 }), fc.nat(), (copies, seed) => {
        const table = tableOf(24, [20, 21, 22, 23]);
        for (const [piece, count] of copies.entries()) {
          for (let i = 0; i < count; i++) table.availability.increment(piece);
        }
        const picked = new RarestFirst(table, new SeededRandom(seed)).pick(peerWith(full(24)), any);
        expect(copies[picked]).toBe(Math.min(...copies));
      }),
      { numRuns: 300 },
    );
  });

  it('take the most urgent first, begun or not, and forget what came', () => {
    const table = tableOf(10);
    const deadlines = new Deadlines(table);
    const peer = peerWith(full(10));
    deadlines.set(7, 300);
    deadlines.set(5, 100);
    deadlines.set(9, 200);
    deadlines.set(7, 50);
    expect([...deadlines.first()]).toEqual([7, 5, 9]);
    table.begin(7);
    expect(deadlines.next(peer, any)).toBe(7);
    table.active.get(7)!.request(0, table.active.get(7)!.length);
    expect(deadlines.next(peer, any)).toBe(5);
    expect(deadlines.next(peer, (piece) => piece !== 5)).toBe(9);
    expect(deadlines.next(peerWith(bits(10, 9)), any)).toBe(9);
    for (const piece of [7, 5, 9]) deadlines.clear(piece);
    expect([deadlines.next(peer, any), deadlines.waiting]).toEqual([-1, false]);
  });

  it('look at few of 100,000 pieces, whatever a peer of 1,000 has', () => {
    const count = 100_000;
    const table = tableOf(count);
    const random = new SeededRandom(9);
    for (let peer = 0; peer < 1000; peer++) {
      for (let i = 0; i < 100; i++) table.availability.increment(random.below(count));
    }
    let steps = 0;
    const isCandidate = table.availability.isCandidate.bind(table.availability);
    table.availability.isCandidate = (piece) => {
      steps++;
      return isCandidate(piece);
    };
    const counted = (pieces: Bitfield): Peer => {
      const has = Object.create(pieces, {
        has: { value: (piece: number) => ++steps > 0 && pieces.has(piece) },
        bytes: { value: pieces.bytes },
      }) as Bitfield;
      return { has, seed: pieces.complete } as Peer;
    };
    const seed = counted(full(count));
    const last = counted(bits(count, count - 1));
    const few = counted(bits(count, ...Array.from({ length: 500 }, () => random.below(count))));
    for (const make of [() => new RarestFirst(table, random), () => new Sequential(table)]) {
      const picker = make();
      for (const peer of [seed, last, few]) {
        for (let i = 0; i < 100; i++) {
          steps = 0;
          const piece = picker.pick(peer, any);
          expect(piece).toBeGreaterThanOrEqual(0);
          expect(steps).toBeLessThan(2000);
          if (peer !== last) table.begin(piece);
        }
      }
    }
  });
});
