import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ReportError } from './errors.ts';
import { hashOf, StagedNodes } from './fixtures/staged-nodes.ts';
import type { NodeReport, TorrentReport } from './report.ts';

const count = fc.oneof(
  { weight: 8, arbitrary: fc.nat(20_000) },
  { weight: 1, arbitrary: fc.double() },
  { weight: 1, arbitrary: fc.constantFrom(-1, 2 ** 53, Number.MAX_VALUE) },
);
const index = fc.oneof({ weight: 9, arbitrary: fc.nat(12) }, { weight: 1, arbitrary: fc.double() });
const indexes = fc.oneof(
  fc.uniqueArray(fc.nat(10)).map((list) => list.sort((a, b) => a - b)),
  fc.array(index, { maxLength: 5 }),
);
const shape = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ name: 'a@1', size: 10_500, pieceLength: 1000, pieces: 11 }) },
  { weight: 1, arbitrary: fc.record({ name: fc.string(), size: count, pieceLength: count, pieces: count }) },
);
const bits = fc.oneof(
  { weight: 5, arbitrary: fc.nat(0xffe0).map((all) => Uint8Array.of(all >> 8, all & 0xe0)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 3 }) },
);
const pieces: fc.Arbitrary<TorrentReport['pieces']> = fc.oneof(
  fc.constant(undefined),
  fc.record({ type: fc.constant('snapshot' as const), bits }),
  fc.record({ type: fc.constant('changes' as const), came: indexes, went: indexes }),
);
const hash = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...[1, 2, 3].map(hashOf)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 21 }) },
);
const torrent: fc.Arbitrary<TorrentReport> = fc.record({
  infoHash: hash,
  shape: fc.option(shape, { nil: undefined }),
  pieces,
  received: count,
  sent: count,
  duplicate: count,
  wasted: count,
  failed: count,
  stalledMs: count,
  peers: fc.array(fc.record({ peer: fc.constantFrom('a', 'b', ''), received: count, sent: count }), {
    maxLength: 2,
  }),
  connected: count,
  partial: fc.boolean(),
  announced: fc.boolean(),
});
const report: fc.Arbitrary<NodeReport> = fc.record({
  node: fc.constantFrom('a', 'b', 'c'),
  zone: fc.constantFrom('', 'here', 'there'),
  sequence: fc.oneof(fc.nat(5), count),
  torrents: fc.array(torrent, { maxLength: 2 }),
  gone: fc.array(hash, { maxLength: 1 }),
  counters: fc.option(
    fc.record({
      bans: fc.dictionary(fc.constantFrom('stalls', 'bad-piece', 'A'), count, { maxKeys: 2 }),
      discoveryMs: count,
      messageMs: count,
    }),
    { nil: undefined },
  ),
});

it('lets nothing in that the model cannot bear', () => {
  const taken = { reports: 0, refused: 0 };
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(30_000), report), { maxLength: 30 }), (given) => {
      const { clock, health } = new StagedNodes({ maxNodes: 2, maxBytes: 40_000 });
      const streams = [0, 1, 2, 3].map(() => health.open());
      for (const [stream, ms, one] of given) {
        clock.pass(ms);
        health.sweep();
        try {
          streams[stream]!.receive(one);
          taken.reports++;
        } catch (error) {
          expect(error).toBeInstanceOf(ReportError);
          taken.refused++;
        }
        const { bytes, nodes } = health.cluster();
        expect(bytes).toBeGreaterThanOrEqual(0);
        expect(nodes).toBeLessThanOrEqual(2);
        for (const swarm of health.swarms.values()) sensible(health.figures(swarm), swarm.members.size);
      }
    }),
    { numRuns: 2000 },
  );
  expect(Math.min(taken.reports, taken.refused)).toBeGreaterThan(1000);
});

function sensible(figures: ReturnType<StagedNodes['figures']>, members: number): void {
  const { availability, nodes, partial, completion, duplicateRatio, wasteRatio, solePieces, pieces } =
    figures;
  expect(nodes + partial).toBe(members);
  expect(availability).toBeLessThanOrEqual(members);
  expect(solePieces).toBeLessThanOrEqual(pieces);
  for (const part of [...Object.values(completion), duplicateRatio, wasteRatio]) {
    expect(part).toBeGreaterThanOrEqual(0);
    expect(part).toBeLessThanOrEqual(1);
  }
}
