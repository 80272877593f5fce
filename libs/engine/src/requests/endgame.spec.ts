import { describe, expect, it } from 'vitest';
import { type Actor, StagedTorrent, shapeOf } from '../fixtures/staged-torrent.ts';

/** A stage where the last piece is asked of `slow` alone, and the others have known rates and nothing to do. */
function lastPiece(others: number) {
  const stage = new StagedTorrent({ shape: shapeOf(3, 4), memory: 8 });
  const slow = stage.joinGiver([2]);
  const fast = Array.from({ length: others }, () => stage.joinGiver('all'));
  for (let round = 0; round < 5; round++) {
    for (const actor of fast) {
      for (let request = actor.next(); request; request = actor.next()) {
        if (request.piece === 2) {
          actor.link.requests.unshift(request);
          break;
        }
        stage.time.advance(20);
        actor.give(request.piece, request.offset, request.length);
      }
    }
    stage.settle();
  }
  return { stage, slow, fast };
}

const idle = (actor: Actor) => actor.peer.requests.count === 0;

describe('the end of a download', () => {
  it('is shared out: what a slow peer owes is asked of one other, not of all', () => {
    const { stage, slow, fast } = lastPiece(5);
    stage.time.advance(1500);
    stage.torrent.memoryAvailable();
    stage.time.advance(1);
    const askers = fast.filter((actor) => !idle(actor));
    expect(askers).toHaveLength(1);
    expect(slow.peer.requests.count).toBe(1);
    const { piece, offset, length } = askers[0]!.next()!;
    askers[0]!.give(piece, offset, length);
    expect(slow.link.cancels).toHaveLength(1);
    stage.settle();
    expect(stage.torrent.have.complete).toBe(true);
  });

  it('takes the slow peer’s answer where that comes first, and cancels the other', () => {
    const { stage, slow, fast } = lastPiece(2);
    stage.time.advance(1500);
    stage.torrent.memoryAvailable();
    stage.time.advance(1);
    const asker = fast.find((actor) => !idle(actor))!;
    slow.giveAll();
    expect(asker.link.cancels).toHaveLength(1);
    // It was on its way already: no fault of the peer.
    const { piece, offset, length } = asker.next()!;
    expect(asker.give(piece, offset, length)).toBe(false);
    expect(asker.link.open).toBe(true);
    stage.settle();
    expect(stage.torrent.have.complete).toBe(true);
    expect(stage.memory.held.size).toBe(0);
  });
});
