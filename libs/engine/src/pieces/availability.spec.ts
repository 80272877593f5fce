import { Bitfield, SeededRandom } from '@pixtorrent/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Availability } from './availability.ts';

const PIECES = 12;

/** What is kept, by walking over everything. */
class Model {
  readonly copies = new Array<number>(PIECES).fill(0);
  readonly candidates = new Set<number>();
  readonly have = new Bitfield(PIECES);

  /** Holders of each piece, this node included. */
  get holders(): number[] {
    return this.copies.map((copies, piece) => copies + (this.have.has(piece) ? 1 : 0));
  }
}

function check(availability: Availability, model: Model): void {
  expect(availability.size).toBe(model.candidates.size);
  const order = [...availability.order.subarray(0, availability.size)];
  expect(new Set(order)).toEqual(model.candidates);
  const rarity = order.map((piece) => Math.min(127, model.copies[piece]!));
  expect(rarity).toEqual([...rarity].sort((a, b) => a - b));
  for (let piece = 0; piece < PIECES; piece++) {
    expect(availability.partialCopies(piece)).toBe(model.copies[piece]);
    expect(availability.copies(piece)).toBe(model.copies[piece]! + availability.seeds);
    expect(availability.isCandidate(piece)).toBe(model.candidates.has(piece));
  }
  expect(availability.unspread).toBe(model.copies.filter((count) => count === 0).length);
  expect(availability.rarest - availability.seeds).toBe(Math.min(128, ...model.holders));
  const sole = [...model.have].filter((piece) => model.copies[piece] === 0 && availability.seeds === 0);
  expect(availability.sole).toBe(sole.length);
  for (let piece = 0; piece < PIECES; piece++) expect(availability.isSole(piece)).toBe(sole.includes(piece));
}

describe('availability', () => {
  it('keeps candidates sorted by rarity and every count right, in any run of changes', () => {
    const step = fc.tuple(
      fc.constantFrom('up', 'down', 'many', 'insert', 'remove', 'held', 'lost', 'seed'),
      fc.nat(PIECES - 1),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(PIECES - 1)),
        fc.array(step, { maxLength: 120 }),
        fc.nat(),
        (first, steps, seed) => {
          const model = new Model();
          const availability = new Availability(PIECES, new SeededRandom(seed), model.have);
          availability.fill(first);
          for (const piece of first) model.candidates.add(piece);
          check(availability, model);
          for (const [action, piece] of steps) {
            if (action === 'up' || action === 'many') {
              for (let i = action === 'up' ? 1 : 130; i > 0; i--) {
                availability.increment(piece);
                model.copies[piece]!++;
              }
            } else if (action === 'down') {
              if (model.copies[piece] === 0) continue;
              availability.decrement(piece);
              model.copies[piece]!--;
            } else if (action === 'seed') {
              availability.seeds = piece % 2;
            } else if (action === 'held') {
              if (model.have.add(piece)) availability.held(piece);
            } else if (action === 'lost') {
              if (model.have.delete(piece)) availability.lost(piece);
            } else if (action === 'insert') {
              availability.insert(piece);
              model.candidates.add(piece);
            } else {
              availability.remove(piece);
              model.candidates.delete(piece);
            }
            check(availability, model);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('breaks ties by chance: each node has its own order, each piece the same chance', () => {
    const runs = 4000;
    const first = new Array<number>(PIECES).fill(0);
    const afterChange = new Array<number>(PIECES).fill(0);
    for (let seed = 0; seed < runs; seed++) {
      const availability = new Availability(PIECES, new SeededRandom(seed));
      availability.fill(Array.from({ length: PIECES }, (_, piece) => piece));
      first[availability.order[0]!]!++;
      for (let piece = 0; piece < PIECES; piece++) availability.increment(piece);
      afterChange[availability.order[0]!]!++;
    }
    for (const count of [...first, ...afterChange]) {
      expect(count).toBeGreaterThan((runs / PIECES) * 0.7);
      expect(count).toBeLessThan((runs / PIECES) * 1.3);
    }
  });
});
