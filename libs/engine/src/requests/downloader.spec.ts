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
    const stage = new StagedTorrent({ shape: shapeOf(1, 4, 1000) });
    const giver = stage.joinGiver('all');
    const { piece, offset, length } = giver.next()!;
    expect({ offset, length }).toEqual({ offset: 0, length: 4 * BLOCK_LENGTH - 1000 });
    giver.give(piece, 0, BLOCK_LENGTH);
    giver.give(piece, BLOCK_LENGTH, length - BLOCK_LENGTH);
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

  it('does not wait for ever for the one peer that was to give a doubtful piece', () => {
    for (const sulk of ['chokes', 'refuses', 'is silent'] as const) {
      const stage = new StagedTorrent({ shape: shapeOf(1, 2) });
      const [a, b] = [stage.joinGiver('all', { wire: 'bep3' }), stage.joinGiver('all', { wire: 'bep3' })];
      const [first, second] = [a.next()!, a.next()!];
      a.give(first.piece, first.offset, first.length);
      a.peer.reject(second.piece, second.offset, second.length);
      stage.time.advance(1);
      b.giveAll();
      // Two contributors, and a wrong hash: the piece is fetched again from one of them alone.
      expect(stage.memory.verifying).toEqual([0]);
      stage.settle([0]);
      stage.time.advance(1);
      const chosen = a.link.requests.length > 0 ? a : b;
      const other = chosen === a ? b : a;
      const request = chosen.next()!;
      chosen.give(request.piece, request.offset, request.length);
      if (sulk === 'chokes') {
        chosen.peer.choke();
        for (const { piece, offset, length } of chosen.link.requests.splice(0))
          chosen.peer.reject(piece, offset, length);
      }
      for (let i = 0; i < 200 && !stage.torrent.have.complete; i++) {
        if (sulk === 'refuses') {
          for (let r = chosen.next(); r; r = chosen.next()) chosen.peer.reject(r.piece, r.offset, r.length);
        }
        other.giveAll();
        stage.settle();
        stage.time.advance(100);
      }
      expect([sulk, stage.torrent.have.complete]).toEqual([sulk, true]);
    }
  });

  it('does not let pieces that only choking peers have fill the memory', () => {
    const stage = new StagedTorrent({ shape: shapeOf(3, 2), memory: 1 });
    const choking = stage.joinGiver([0], { wire: 'bep3' });
    const request = choking.next()!;
    choking.give(request.piece, request.offset, request.length);
    choking.peer.choke();
    for (const { piece, offset, length } of choking.link.requests.splice(0))
      choking.peer.reject(piece, offset, length);
    const giving = stage.joinGiver([1, 2]);
    for (let i = 0; i < 50; i++) {
      giving.giveAll();
      stage.settle();
      stage.time.advance(1000);
    }
    expect(stage.torrent.have.count).toBe(2);
  });

  it('tells refusals of the same place apart by their length', () => {
    const stage = new StagedTorrent({ shape: shapeOf(1, 16) });
    const late = stage.joinGiver('all');
    const first = late.next()!;
    late.peer.requests.push(first.piece, 0, 2 * BLOCK_LENGTH, 0);
    late.peer.reject(first.piece, 0, 2 * BLOCK_LENGTH);
    expect(late.give(first.piece, first.offset, first.length)).toBe(true);
    expect(late.link.open).toBe(true);
  });

  it('takes a late answer though it was given up, and asks nobody for it then', () => {
    const stage = new StagedTorrent({ shape: shapeOf(1, 4) });
    const late = stage.joinGiver('all');
    const { piece, offset, length } = late.next()!;
    stage.time.advance(4000);
    expect(stage.torrent.pieces.state(piece)).toBe('requested');
    late.link.requests.length = 0;
    late.begin(piece, offset, length);
    const other = stage.joinGiver('all');
    expect(other.link.requests).toEqual([]);
    late.end();
    stage.settle();
    expect(stage.torrent.have.complete).toBe(true);
  });

  it('are no longer than the peer answers, and no more than it queues', () => {
    const stage = new StagedTorrent({ shape: shapeOf(8, 64, 7) });
    const modest = stage.joinGiver('all', { maxRequest: 40_000, requestWindow: 100_000 });
    const longest = () => Math.max(...modest.link.requests.map(({ length }) => length));
    const asked = () => modest.link.requests.reduce((sum, { length }) => sum + length, 0);
    expect([longest(), asked()]).toEqual([2 * BLOCK_LENGTH, 6 * BLOCK_LENGTH]);
    modest.peer.terms(BLOCK_LENGTH, BLOCK_LENGTH);
    for (let i = 0; i < 1000 && !stage.torrent.have.complete; i++) {
      stage.time.advance(1);
      const { piece, offset, length } = modest.next()!;
      modest.give(piece, offset, length);
      if (i > 10) expect(asked()).toBeLessThanOrEqual(BLOCK_LENGTH);
      stage.settle();
    }
    expect(stage.torrent.have.complete).toBe(true);
  });

  it('are short for a while where somebody waited for a piece', () => {
    const stage = new StagedTorrent({ shape: shapeOf(600, 16), memory: 600 });
    const giver = stage.joinGiver('all');
    /** Has it give for so many milliseconds, and tells the lengths of what it was asked for meanwhile. */
    const lengths = (milliseconds: number): Set<number> => {
      const asked = new Set<number>();
      for (let passed = 0; passed < milliseconds; passed += 10) {
        stage.time.advance(10);
        const known = new Set(giver.link.requests);
        const { piece, offset, length } = giver.next()!;
        giver.give(piece, offset, length);
        stage.settle();
        for (const request of giver.link.requests) if (!known.has(request)) asked.add(request.length);
      }
      return asked;
    };
    lengths(500);
    expect(Math.max(...lengths(500))).toBe(64 * 1024);
    stage.torrent.setDeadline(599, stage.time.now());
    lengths(500);
    expect(Math.max(...lengths(1000))).toBe(BLOCK_LENGTH);
    stage.time.advance(10_000);
    lengths(500);
    expect(Math.max(...lengths(500))).toBe(64 * 1024);
  });

  it('stop before much has come of a peer of which nothing was found right or wrong yet', () => {
    for (const wire of ['pixwire', 'bep3'] as const) {
      const stage = new StagedTorrent({ shape: shapeOf(400, 16), memory: 400 });
      const stranger = stage.joinGiver('all', { wire });
      let given = 0;
      for (let request = stranger.next(); request; request = stranger.next()) {
        stage.time.advance(0.01);
        stranger.give(request.piece, request.offset, request.length);
        given += request.length;
      }
      expect(given).toBeGreaterThanOrEqual(4 * 1024 * 1024);
      expect(given).toBeLessThan(5.5 * 1024 * 1024);
      // The first hash tells: a liar is gone, an honest one goes on.
      stage.torrent.pieceVerified(stage.memory.verifying.shift()!, wire === 'pixwire');
      stage.time.advance(1);
      expect(stranger.link.open).toBe(wire === 'pixwire');
      expect(stranger.link.requests.length > 0).toBe(wire === 'pixwire');
    }
  });

  it('go on though nothing that a new peer gave can be judged before others have given their part', () => {
    const stage = new StagedTorrent({ shape: shapeOf(2, 400), memory: 2 });
    const slow = stage.joinGiver([0], { wire: 'bep3' });
    const first = slow.next()!;
    slow.begin(first.piece, first.offset, first.length);
    const stranger = stage.joinGiver('all', { wire: 'bep3' });
    for (let i = 0; i < 50; i++) {
      stranger.giveAll();
      stage.time.advance(50);
    }
    slow.end();
    for (let i = 0; i < 50 && !stage.torrent.have.complete; i++) {
      for (const actor of [slow, stranger]) actor.giveAll();
      stage.settle();
      stage.time.advance(100);
    }
    expect(stage.torrent.have.complete).toBe(true);
  });
});
