import { BLOCK_LENGTH } from '@pixtorrent/peer-protocol';
import { describe, expect, it } from 'vitest';
import { type Actor, bits, StagedTorrent, shapeOf } from '../fixtures/staged-torrent.ts';

/** Downloads the next `count` pieces. */
function fetch(stage: StagedTorrent, giver: Actor, count: number): void {
  for (let i = 0; i < count; i++) {
    const { piece, offset, length } = giver.next()!;
    giver.give(piece, offset, length);
    stage.settle();
    stage.time.advance(0);
  }
}

/** Somebody who waits for a block of piece 0. */
function waiting(stage: StagedTorrent, wire: 'pixwire' | 'bep3' = 'pixwire'): Actor {
  const actor = stage.join({ wire });
  actor.peer.interested();
  actor.peer.uploads.push(0, 0, BLOCK_LENGTH, 0);
  return actor;
}

const leecher = () => {
  const stage = new StagedTorrent({ shape: shapeOf(300, 1), have: bits(300, 0) });
  return { stage, giver: stage.joinGiver('all') };
};

describe('news of pieces', () => {
  it('go at once to a peer that waits for nothing, and later together to one that does', () => {
    const { stage, giver } = leecher();
    const idle = stage.join();
    const busy = waiting(stage);
    fetch(stage, giver, 3);
    expect(idle.link.haves).toHaveLength(3);
    expect(busy.link.haves).toHaveLength(0);
    stage.time.advance(50);
    expect(busy.link.haves).toEqual(idle.link.haves);
  });

  it('do not wait where 64 have gathered', () => {
    const { stage, giver } = leecher();
    const busy = waiting(stage);
    fetch(stage, giver, 63);
    expect(busy.link.haves).toHaveLength(0);
    fetch(stage, giver, 1);
    expect(busy.link.haves).toHaveLength(64);
  });

  it('go at once on BEP 3', () => {
    const { stage, giver } = leecher();
    const busy = waiting(stage, 'bep3');
    fetch(stage, giver, 2);
    expect(busy.link.haves).toHaveLength(2);
  });

  it('tell each piece once to each', () => {
    const { stage, giver } = leecher();
    const actors = [stage.join(), waiting(stage), waiting(stage, 'bep3')];
    fetch(stage, giver, 150);
    stage.time.advance(100);
    for (const { link } of actors) {
      expect(link.haves).toHaveLength(150);
      expect(new Set(link.haves).size).toBe(150);
    }
  });
});
