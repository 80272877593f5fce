import { BLOCK_LENGTH } from '@pixtorrent/peer-protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ActivePiece } from './active-piece.ts';

interface Request {
  readonly peer: number;
  readonly first: number;
  readonly count: number;
}

/** Blocks as objects. */
class Model {
  readonly blocks: { state: 'missing' | 'requested' | 'receiving' | 'received'; source: number }[];
  readonly requests: Request[] = [];
  readonly landing: Request[] = [];

  constructor(count: number) {
    this.blocks = Array.from({ length: count }, () => ({ state: 'missing', source: -1 }));
  }

  range({ first, count }: Request) {
    return this.blocks.slice(first, first + count);
  }

  askers(block: number): number {
    return this.requests.filter(({ first, count }) => block >= first && block < first + count).length;
  }

  refresh(): void {
    for (const [index, block] of this.blocks.entries()) {
      if (block.state === 'missing' && this.askers(index) > 0) block.state = 'requested';
      if (block.state === 'requested' && this.askers(index) === 0) block.state = 'missing';
    }
  }
}

function check(piece: ActivePiece, model: Model): void {
  const count = (state: string) => model.blocks.filter((block) => block.state === state).length;
  expect(piece.missing).toBe(count('missing'));
  expect(piece.complete).toBe(count('received') === model.blocks.length);
  expect(piece.untouched).toBe(count('missing') === model.blocks.length);
  expect(piece.idle).toBe(model.requests.length === 0 && count('receiving') === 0);
  const first = model.blocks.findIndex(({ state }) => state === 'missing');
  expect(piece.missingOffset()).toBe(first < 0 ? -1 : first * BLOCK_LENGTH);
  expect([...piece.sources]).toEqual(model.blocks.map(({ source }) => source));
}

describe('a piece in progress', () => {
  it('has each block in one state with one writer, in any run of requests and answers', () => {
    const step = fc.record({
      action: fc.nat(5),
      peer: fc.nat(3),
      at: fc.nat(30),
      count: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 * BLOCK_LENGTH }),
        fc.array(step, { maxLength: 120 }),
        (length, steps) => {
          const piece = new ActivePiece(3, length);
          const model = new Model(piece.blockCount);
          const offset = ({ first }: Request) => first * BLOCK_LENGTH;
          const bytes = ({ first, count }: Request) =>
            Math.min(length, (first + count) * BLOCK_LENGTH) - first * BLOCK_LENGTH;
          for (const { action, peer, at, count } of steps) {
            const request = model.requests[at % Math.max(1, model.requests.length)];
            const landing = model.landing[at % Math.max(1, model.landing.length)];
            if (action === 0 && piece.missing > 0) {
              const first = piece.missingOffset() / BLOCK_LENGTH;
              const run = piece.missingRun(first * BLOCK_LENGTH, count * BLOCK_LENGTH);
              const fresh = { peer, first, count: Math.ceil(run / BLOCK_LENGTH) };
              expect(fresh.count).toBeLessThanOrEqual(count);
              expect(model.range(fresh).every(({ state }) => state === 'missing')).toBe(true);
              piece.request(offset(fresh), run);
              model.requests.push(fresh);
            } else if (action === 1 && request) {
              const once = model
                .range(request)
                .every((block, i) => block.state === 'requested' && model.askers(request.first + i) === 1);
              expect(piece.askedOnce(offset(request), bytes(request))).toBe(once);
              if (once) {
                piece.request(offset(request), bytes(request));
                model.requests.push({ ...request, peer });
              }
            } else if (action === 2 && request) {
              piece.drop(offset(request), bytes(request));
              model.requests.splice(model.requests.indexOf(request), 1);
            } else if (action === 3 && request) {
              const free = model.range(request).every(({ state }) => state === 'requested');
              expect(piece.begin(offset(request), bytes(request))).toBe(free);
              model.requests.splice(model.requests.indexOf(request), 1);
              if (free) {
                for (const block of model.range(request)) block.state = 'receiving';
                model.landing.push(request);
              }
            } else if (action === 4 && landing) {
              piece.end(offset(landing), bytes(landing), landing.peer);
              model.landing.splice(model.landing.indexOf(landing), 1);
              for (const block of model.range(landing))
                Object.assign(block, { state: 'received', source: landing.peer });
              const others = model.range(landing).some((_, i) => model.askers(landing.first + i) > 0);
              expect(piece.hasRequesters(offset(landing), bytes(landing))).toBe(others);
            } else if (action === 5 && landing) {
              piece.abort(offset(landing), bytes(landing));
              model.landing.splice(model.landing.indexOf(landing), 1);
              for (const block of model.range(landing)) block.state = 'missing';
            }
            model.refresh();
            check(piece, model);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('of 16 MiB is asked for in order, whatever the step', () => {
    const piece = new ActivePiece(0, 16 * 1024 * 1024 - 5);
    let asked = 0;
    for (let limit = 1; piece.missing > 0; limit = (limit * 7) % 1_000_003) {
      const offset = piece.missingOffset();
      expect(offset).toBe(asked);
      const run = piece.missingRun(offset, limit);
      piece.request(offset, run);
      asked += run;
    }
    expect([piece.blockCount, asked]).toEqual([1024, piece.length]);
  });
});
