import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Actor, StagedTorrent, shapeOf } from '../fixtures/staged-torrent.ts';
import { Suspects } from './suspects.ts';

describe('suspects', () => {
  it('are convicted exactly where their blocks differ from the good copy', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.tuple(fc.nat(4), fc.boolean()), { minLength: 6, maxLength: 6 }), {
          minLength: 1,
          maxLength: 4,
        }),
        (copies) => {
          const suspects = new Suspects();
          const guilty = new Set<number>();
          for (const copy of copies) {
            const sources = Int32Array.from(copy, ([source]) => source);
            suspects.remember(
              7,
              sources,
              copy.map(([, bad], block) => (bad ? 'bad' : `good ${block}`)),
            );
            for (const [source, bad] of copy) if (bad) guilty.add(source);
          }
          expect(
            suspects.convict(
              7,
              copies[0]!.map((_, block) => `good ${block}`),
            ),
          ).toEqual(guilty);
          expect(suspects.has(7)).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are bounded', () => {
    const suspects = new Suspects();
    for (let piece = 0; piece < 1000; piece++) suspects.remember(piece, Int32Array.of(1), ['bad']);
    const kept = Array.from({ length: 1000 }, (_, piece) => suspects.has(piece)).filter(Boolean);
    expect(kept).toHaveLength(64);
  });
});

describe('verdicts', () => {
  /** Gives what everybody is asked for, for some seconds; pieces with a block of a liar fail. */
  function play(
    stage: StagedTorrent,
    actors: readonly Actor[],
    liars: ReadonlySet<Actor>,
    blocks: number,
  ): void {
    const tags = new Map<string, number>();
    const { memory, torrent } = stage;
    const digests = (piece: number) =>
      Array.from({ length: blocks }, (_, block) => `${tags.get(`${piece} ${block}`) ?? 0}`);
    for (let turn = 0; turn < 600 && !torrent.have.complete; turn++) {
      for (const actor of actors) {
        const request = actor.link.open ? actor.next() : undefined;
        if (request === undefined) continue;
        const { piece, offset, length } = request;
        if (!actor.begin(piece, offset, length)) continue;
        for (let at = offset; at < offset + length; at += 16_384) {
          tags.set(`${piece} ${at / 16_384}`, liars.has(actor) ? actor.peer.serial + 1 : 0);
        }
        actor.end();
      }
      for (const piece of memory.verifying.splice(0)) {
        torrent.pieceVerified(
          piece,
          digests(piece).every((digest) => digest === '0'),
        );
      }
      for (const piece of memory.fingerprinting.splice(0)) torrent.pieceFingerprinted(piece, digests(piece));
      for (const piece of memory.storing.splice(0)) {
        memory.held.delete(piece);
        torrent.pieceStored(piece);
      }
      stage.time.advance(50);
    }
  }

  it('ban at once who gave a whole bad piece', () => {
    const stage = new StagedTorrent({ shape: shapeOf(2, 1) });
    const liar = stage.joinGiver('all');
    play(stage, [liar], new Set([liar]), 1);
    expect(stage.bans).toEqual([{ key: liar.peer.key, cause: 'bad-piece' }]);
    expect(liar.link.closedFor).toBe('banned');
    expect(stage.memory.held.size).toBe(0);
    expect(stage.tryJoin({ number: 1 })).toBeUndefined();
  });

  it('find the liars among many, spare the innocent, and the download ends right', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 2, maxLength: 6 }),
        fc.constantFrom('pixwire' as const, 'bep3' as const),
        fc.nat(),
        (lies, wire, seed) => {
          fc.pre(lies.includes(false));
          const blocks = 8;
          const stage = new StagedTorrent({
            shape: shapeOf(4, blocks),
            seed,
            tuning: { initialWindow: { pixwire: 32_768, bep3: 32_768 }, maxWindow: 65_536 },
          });
          const actors = lies.map(() => stage.joinGiver('all', { wire }));
          const liars = new Set(actors.filter((_, index) => lies[index]));
          const guilty = new Set([...liars].map(({ peer }) => peer.key));
          play(stage, actors, liars, blocks);
          expect(stage.torrent.have.complete).toBe(true);
          for (const { key } of stage.bans) expect(guilty.has(key)).toBe(true);
          const contributed = [...liars].filter(({ peer }) => peer.received.total > 0 && peer.open);
          expect(contributed).toEqual([]);
          expect(stage.memory.held.size).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });
});
