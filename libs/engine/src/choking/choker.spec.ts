import { describe, expect, it } from 'vitest';
import { type Actor, full, StagedTorrent, shapeOf } from '../fixtures/staged-torrent.ts';

const ROUND = 10_000;

/** `count` peers that want data. */
function takers(stage: StagedTorrent, count: number): Actor[] {
  return Array.from({ length: count }, () => {
    const actor = stage.join();
    actor.peer.interested();
    return actor;
  });
}

const unchoked = (actors: readonly Actor[]): Actor[] => actors.filter(({ peer }) => !peer.choked);

describe('upload slots', () => {
  it('are given at once while there are any, and passed on at once when one falls free', () => {
    const stage = new StagedTorrent({ have: full(8), tuning: { uploadSlots: 3 } });
    const actors = takers(stage, 5);
    expect(unchoked(actors)).toEqual(actors.slice(0, 3));
    actors[0]!.peer.notInterested();
    expect(actors[0]!.link.said.at(-1)).toBe('choke');
    expect(unchoked(actors)).toHaveLength(3);
    actors[1]!.vanish();
    expect(unchoked(actors.slice(2))).toHaveLength(3);
  });

  it('are never more than agreed, over many rounds of coming and going', () => {
    const stage = new StagedTorrent({ have: full(8), tuning: { uploadSlots: 4 } });
    let actors = takers(stage, 12);
    for (let round = 0; round < 60; round++) {
      stage.time.advance(ROUND / 3);
      const leaver = actors[round % actors.length]!;
      if (round % 3 === 0) {
        leaver.vanish();
        actors = actors.filter((actor) => actor !== leaver);
        actors.push(...takers(stage, 1));
      } else if (leaver.peer.wantsData) leaver.peer.notInterested();
      else leaver.peer.interested();
      const wanting = actors.filter(({ peer }) => peer.wantsData);
      expect(unchoked(wanting)).toHaveLength(Math.min(4, wanting.length));
      expect(unchoked(actors).length).toBeLessThanOrEqual(4);
    }
  });

  it('are given before anybody asks, and stay with who wants nothing until somebody does', () => {
    const stage = new StagedTorrent({ have: full(8), tuning: { uploadSlots: 2 } });
    const [idle, reader] = [stage.join(), stage.join()];
    expect(idle.link.said).toContain('unchoke');
    reader.peer.interested();
    reader.peer.notInterested();
    stage.time.advance(ROUND);
    expect(unchoked([idle, reader])).toHaveLength(2);
    reader.peer.interested();
    const taker = stage.join();
    expect(taker.peer.choked).toBe(true);
    taker.peer.interested();
    expect(unchoked([idle, reader, taker])).toEqual([reader, taker]);
  });

  it('of a seeder go round: nobody waits long, nobody stays for ever', () => {
    for (const [slots, count] of [
      [2, 7],
      [3, 5],
      [3, 20],
      [8, 30],
    ] as const) {
      const stage = new StagedTorrent({ have: full(8), tuning: { uploadSlots: slots } });
      const actors = takers(stage, count);
      const time = new Map<Actor, number>(actors.map((actor) => [actor, 0]));
      const held = new Map<Actor, number>();
      let longest = 0;
      const rounds = 300;
      for (let round = 0; round < rounds; round++) {
        stage.time.advance(ROUND);
        for (const actor of actors) {
          if (actor.peer.choked) held.set(actor, 0);
          else {
            time.set(actor, time.get(actor)! + 1);
            held.set(actor, (held.get(actor) ?? 0) + 1);
            longest = Math.max(longest, held.get(actor)!);
          }
        }
      }
      // A turn is two rounds, the optimistic slot stays for three, and chance may draw the same peer again.
      expect(longest, `${slots} slots, ${count} peers`).toBeLessThanOrEqual(12);
      const fair = (rounds * slots) / count;
      const shares = [...time.values()].map((share) => share / fair);
      expect(Math.min(...shares), `${slots} slots, ${count} peers`).toBeGreaterThan(0.5);
      expect(Math.max(...shares), `${slots} slots, ${count} peers`).toBeLessThan(2);
    }
  });

  it('of a leecher go to those who give most, but for one that changes', () => {
    const stage = new StagedTorrent({ shape: shapeOf(8), tuning: { uploadSlots: 3 } });
    const actors = takers(stage, 10);
    const givers = [actors[7]!, actors[9]!];
    const others = new Set<Actor>();
    for (let round = 0; round < 60; round++) {
      for (let second = 0; second < 10; second++) {
        for (const { peer } of givers) peer.received.add(100_000, stage.time.now());
        stage.time.advance(ROUND / 10);
      }
      const now = unchoked(actors);
      expect(now).toEqual(expect.arrayContaining(givers));
      for (const actor of now) if (!givers.includes(actor)) others.add(actor);
    }
    expect(others.size).toBeGreaterThan(4);
  });

  it('of a leecher are not kept for one that owes data and gives none', () => {
    const stage = new StagedTorrent({ shape: shapeOf(8), tuning: { uploadSlots: 2 } });
    const actors = takers(stage, 6);
    const [snubbing, honest] = [actors[0]!, actors[1]!];
    stage.time.advance(ROUND - 1);
    snubbing.peer.received.add(1_000_000, stage.time.now());
    honest.peer.received.add(10_000, stage.time.now());
    snubbing.peer.snubbed = true;
    stage.time.advance(2);
    expect(honest.peer.choked).toBe(false);
  });
});
