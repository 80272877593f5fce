import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bitsOf, hashOf, PIECE, StagedNodes, torrent } from './fixtures/staged-nodes.ts';

const COUNT = 11;
const SIZE = COUNT * PIECE - 500;
const SHARES = [10, 50, 90, 99];

interface Held {
  pieces: Set<number>;
  partial: boolean;
  heardAt: number;
}

/** The same figures, counted anew each time. */
class NaiveSwarm {
  readonly nodes = new Map<string, Held>();
  /** By piece: when it was had first, and since when by each share. */
  readonly first = new Map<number, number>();
  readonly since = new Map<string, number>();

  /** After each change. */
  observe(now: number): void {
    const wanting = [...this.nodes.values()].filter(({ partial }) => !partial).length;
    for (let piece = 0; piece < COUNT; piece++) {
      const copies = this.copies(piece);
      if (copies === 0) this.first.delete(piece);
      else if (!this.first.has(piece)) this.first.set(piece, now);
      for (const share of SHARES) {
        const key = `${piece} ${share}`;
        if (copies === 0 || copies * 100 < share * wanting) this.since.delete(key);
        else if (!this.since.has(key)) this.since.set(key, now);
      }
    }
  }

  copies(piece: number): number {
    return [...this.nodes.values()].filter(({ pieces }) => pieces.has(piece)).length;
  }

  sole(node: string): number {
    return [...this.nodes.get(node)!.pieces].filter((piece) => this.copies(piece) === 1).length;
  }

  spread(): number[] {
    const seconds: number[] = [];
    for (const share of SHARES) {
      const times = Array.from({ length: COUNT }, (_, piece) => {
        const since = this.since.get(`${piece} ${share}`);
        return since === undefined ? Number.POSITIVE_INFINITY : since - this.first.get(piece)!;
      }).sort((a, b) => a - b);
      const median = times[Math.ceil(COUNT / 2) - 1]!;
      if (median === Number.POSITIVE_INFINITY) break;
      seconds.push(median / 1000);
    }
    return seconds;
  }

  figures() {
    const copies = Array.from({ length: COUNT }, (_, piece) => this.copies(piece));
    const availability = Math.min(...copies);
    const completions = [...this.nodes.values()]
      .filter(({ partial }) => !partial)
      .map(
        ({ pieces }) =>
          [...pieces].reduce((sum, piece) => sum + (piece === COUNT - 1 ? 500 : PIECE), 0) / SIZE,
      )
      .sort((a, b) => a - b);
    return {
      nodes: completions.length,
      partial: this.nodes.size - completions.length,
      whole: completions.filter((one) => one === 1).length,
      availability,
      piecesByCopies: [0, 1, 2, 3, 4]
        .map((n) => copies.filter((one) => Math.min(one, 4) === n).length)
        .concat(0, 0),
      solePieces: Math.max(...[...this.nodes.keys()].map((node) => this.sole(node))),
      least: completions[0] ?? 0,
      median: completions[Math.ceil(completions.length / 2) - 1] ?? 0,
      distributed: availability + copies.filter((one) => one > availability).length / COUNT,
    };
  }
}

const pieces = fc
  .uniqueArray(fc.nat(COUNT - 1), { maxLength: COUNT })
  .map((list) => list.sort((a, b) => a - b));
const node = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const step = fc.oneof(
  fc.record({ type: fc.constant('snapshot' as const), node, pieces, partial: fc.boolean() }),
  fc.record({ type: fc.constant('changes' as const), node, pieces, went: pieces }),
  fc.record({ type: fc.constant('gone' as const), node }),
  fc.record({ type: fc.constant('lost' as const), node }),
  fc.record({ type: fc.constant('time' as const), ms: fc.nat(20_000) }),
);

it('comes to what is counted anew, whatever nodes report', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const staged = new StagedNodes();
      const naive = new NaiveSwarm();
      const doubted = new Map<string, number>();
      const known = new Set<string>();
      for (const one of steps) {
        const now = staged.clock.now();
        if (one.type === 'time') {
          staged.clock.pass(one.ms);
          staged.health.sweep();
          const later = staged.clock.now();
          for (const [name, { heardAt }] of [...naive.nodes]) {
            const left = later - heardAt > 60_000;
            if (!left && !(later - (doubted.get(name) ?? later) > 15_000)) continue;
            naive.nodes.delete(name);
            doubted.delete(name);
            // Each leaves at a moment of its own: what becomes true between two is true since then.
            naive.observe(later);
          }
          for (const name of known) if (!naive.nodes.has(name)) known.delete(name);
        } else if (one.type === 'lost') {
          if (naive.nodes.has(one.node)) doubted.set(one.node, doubted.get(one.node) ?? now);
          const held = naive.nodes.get(one.node);
          staged.disconnect(one.node);
          staged.report(one.node, []);
          if (held) held.heardAt = now;
        } else if (one.type === 'gone') {
          staged.report(one.node, [], { gone: [hashOf(1)] });
          naive.nodes.delete(one.node);
          doubted.delete(one.node);
        } else {
          const held = naive.nodes.get(one.node);
          const snapshot = one.type === 'snapshot';
          const partial = snapshot ? one.partial : (held?.partial ?? false);
          const report = snapshot
            ? torrent({
                count: COUNT,
                partial,
                pieces: { type: 'snapshot', bits: bitsOf(one.pieces, COUNT) },
              })
            : torrent({
                count: COUNT,
                shape: undefined,
                partial,
                pieces: { type: 'changes', came: one.pieces, went: one.went },
              });
          const { unknown } = staged.report(one.node, [report]);
          const accepted = snapshot || (held !== undefined && !doubted.has(one.node));
          expect(unknown.length).toBe(accepted ? 0 : 1);
          if (held) held.heardAt = now;
          if (snapshot) {
            naive.nodes.set(one.node, { pieces: new Set(one.pieces), partial, heardAt: now });
            doubted.delete(one.node);
          } else if (accepted) {
            for (const piece of one.pieces) held!.pieces.add(piece);
            for (const piece of one.went) held!.pieces.delete(piece);
          }
        }
        naive.observe(staged.clock.now());
        compare(staged, naive);
      }
    }),
    { numRuns: 1500 },
  );
});

function compare(staged: StagedNodes, naive: NaiveSwarm): void {
  if (naive.nodes.size === 0) {
    expect(staged.swarm()).toBeUndefined();
    naive.first.clear();
    naive.since.clear();
    return;
  }
  const figures = staged.figures();
  const { least, median, distributed, ...expected } = naive.figures();
  expect(figures).toMatchObject(expected);
  expect(figures.completion).toMatchObject({ min: least, p50: median });
  expect(figures.distributedCopies).toBeCloseTo(distributed, 9);
  for (const [name, { pieces: held }] of naive.nodes)
    expect(staged.member(name)).toMatchObject({ pieces: bitsOf(held, COUNT), solePieces: naive.sole(name) });
  const spread = naive.spread();
  expect(figures.spreadSeconds).toHaveLength(spread.length);
  for (const [n, seconds] of spread.entries())
    expect(Math.abs(figures.spreadSeconds[n]! - seconds)).toBeLessThanOrEqual(0.05 * seconds + 0.001);
}
