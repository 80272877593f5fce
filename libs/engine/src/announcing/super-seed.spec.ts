import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bits, full, StagedTorrent, shapeOf } from '../fixtures/staged-torrent.ts';

const seeding = (pieceCount: number) =>
  new StagedTorrent({ shape: shapeOf(pieceCount, 1), have: full(pieceCount), superSeed: true });

describe('a super-seeder', () => {
  it('shows nothing at first, then two pieces, and others to others', () => {
    const stage = seeding(8);
    const [a, b] = [stage.join(), stage.join()];
    expect(a.link.said[0]).toBe('haveNone');
    expect(a.link.haves).toHaveLength(2);
    expect(new Set([...a.link.haves, ...b.link.haves]).size).toBe(4);
  });

  it('gives what it has shown, and refuses the rest', () => {
    const stage = seeding(8);
    const [a, b] = [stage.join(), stage.join()];
    a.peer.interested();
    for (const piece of [...a.link.haves, ...b.link.haves]) a.peer.request(piece, 0, 16_384);
    expect(a.link.blocks.map(({ piece }) => piece)).toEqual(a.link.haves);
    expect(a.link.rejected.map(({ piece }) => piece)).toEqual(b.link.haves);
  });

  it('shows the next piece when another peer has one of those it gave', () => {
    const stage = seeding(8);
    const [a, b] = [stage.join(), stage.join()];
    const first = a.link.haves[0]!;
    a.peer.have(first);
    expect(a.link.haves).toHaveLength(2);
    b.peer.have(first);
    expect(a.link.haves).toHaveLength(3);
  });

  it('goes on when the only other peer leaves', () => {
    const stage = seeding(8);
    const [a, b] = [stage.join(), stage.join()];
    for (const piece of [...a.link.haves]) a.peer.have(piece);
    b.vanish();
    expect(a.link.haves.length).toBeGreaterThan(2);
  });

  it('goes on when a newcomer turns out to have what was shown', () => {
    const stage = seeding(8);
    const [a] = [stage.join(), stage.join()];
    const shown = [...a.link.haves];
    for (const piece of shown) a.peer.have(piece);
    const newcomer = stage.join();
    newcomer.peer.bitfield(bits(8, ...shown).bytes);
    expect(a.link.haves.length).toBeGreaterThan(2);
  });

  it('shows only what it has', () => {
    const stage = new StagedTorrent({
      shape: shapeOf(4, 1),
      have: bits(4, 2),
      wanted: bits(4, 2),
      superSeed: true,
    });
    const a = stage.join();
    expect(a.link.haves.filter((piece) => piece !== 2)).toEqual([]);
  });

  it('gets everything to everybody, whoever comes and goes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.nat(9), { minLength: 5, maxLength: 80 }),
        (pieceCount, script) => {
          const stage = seeding(pieceCount);
          const actors = [stage.join(), stage.join()];
          const fetch = (index: number) => {
            const actor = actors[index % actors.length]!;
            const shown = actor.link.haves.find((piece) => !actor.peer.has.has(piece));
            if (shown !== undefined) actor.peer.have(shown);
          };
          const pass = (index: number) => {
            const [from, to] = [actors[index % actors.length]!, actors[(index + 1) % actors.length]!];
            const piece = [...from.peer.has].find((held) => !to.peer.has.has(held));
            if (piece !== undefined) to.peer.have(piece);
          };
          const gone = () => {
            for (const actor of [...actors]) if (actor.peer.seed) actors.splice(actors.indexOf(actor), 1);
          };
          for (const step of script) {
            if (actors.length === 0 || step === 8) actors.push(stage.join());
            else if (step === 9 && actors.length > 1) actors.splice(step % actors.length, 1)[0]!.vanish();
            else if (step % 2 === 0) fetch(step);
            else pass(step);
            gone();
          }
          for (let round = 0; round < 400 && actors.length > 0; round++) {
            for (let i = 0; i < actors.length; i++) fetch(i);
            for (let i = 0; i < actors.length; i++) pass(i);
            gone();
          }
          expect(actors).toHaveLength(0);
        },
      ),
      { numRuns: 500 },
    );
  });
});
