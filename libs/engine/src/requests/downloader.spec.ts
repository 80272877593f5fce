import { BLOCK_LENGTH } from '@pixtorrent/peer-protocol';
import { describe, expect, it } from 'vitest';
import { StagedTorrent, shapeOf } from '../fixtures/staged-torrent.ts';

describe('requests', () => {
  it('asks again elsewhere for what was refused in part, however it was cut', () => {
    const stage = new StagedTorrent({ shape: shapeOf(1, 16) });
    const odd = stage.joinGiver('all');
    const { piece, offset } = odd.next()!;
    odd.peer.reject(piece, offset, 100);
    const good = stage.joinGiver('all');
    odd.vanish();
    stage.time.advance(2000);
    good.giveAll();
    stage.settle();
    expect(stage.torrent.have.complete).toBe(true);
  });

  it('takes an answer in parts, in order', () => {
    const stage = new StagedTorrent({ shape: shapeOf(1, 16, 1000) });
    const giver = stage.joinGiver('all');
    const { piece, offset, length } = giver.next()!;
    expect({ offset, length }).toEqual({ offset: 0, length: 16 * BLOCK_LENGTH - 1000 });
    giver.give(piece, 0, 4 * BLOCK_LENGTH);
    giver.give(piece, 4 * BLOCK_LENGTH, length - 4 * BLOCK_LENGTH);
    stage.settle();
    expect(stage.torrent.have.complete).toBe(true);
  });

  it('gives back the memory of a piece whose only payload is broken off', () => {
    for (const wire of ['pixwire', 'bep3'] as const) {
      const stage = new StagedTorrent({ shape: shapeOf(4, 1) });
      const giver = stage.joinGiver([2], { wire });
      const { piece, offset, length } = giver.next()!;
      giver.begin(piece, offset, length);
      giver.vanish();
      expect(stage.memory.held.size).toBe(0);
      expect(stage.torrent.pieces.active.size).toBe(0);
      const other = stage.joinGiver([2]);
      const request = other.next()!;
      other.begin(request.piece, request.offset, request.length);
      stage.torrent.disconnect(other.peer, 'idle', 0, '');
      expect(stage.memory.held.size).toBe(0);
    }
  });
});
