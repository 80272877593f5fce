import { describe, expect, it } from 'vitest';
import { StagedTorrent, shapeOf } from '../fixtures/staged-torrent.ts';

describe('peers that owe data', () => {
  it('are asked elsewhere for after a while, and not asked for the same again meanwhile', () => {
    const stage = new StagedTorrent({ shape: shapeOf(2, 16) });
    const late = stage.joinGiver('all');
    const asked = late.link.requests.length;
    expect(asked).toBeGreaterThan(0);
    stage.time.advance(9000);
    expect(late.link.requests).toHaveLength(asked);
    const other = stage.joinGiver('all');
    stage.time.advance(1000);
    for (let i = 0; i < 20; i++) {
      other.giveAll();
      stage.settle();
      stage.time.advance(100);
    }
    expect(stage.torrent.have.complete).toBe(true);
  });

  it('and never give are disconnected in bounded time', () => {
    const stage = new StagedTorrent();
    const silent = stage.joinGiver('all');
    stage.time.advance(61_000);
    expect(silent.link.closedFor).toBe('idle');
    expect(stage.memory.held.size).toBe(0);
  });

  it('but are only slow are never banned', () => {
    const stage = new StagedTorrent({ shape: shapeOf(64, 1) });
    const slow = stage.joinGiver('all', { wire: 'bep3' });
    for (let i = 0; i < 30; i++) {
      stage.time.advance(14_000);
      const request = slow.next();
      if (request) slow.give(request.piece, request.offset, request.length);
      stage.settle();
    }
    expect(stage.bans).toEqual([]);
    expect(stage.torrent.have.count).toBeGreaterThan(20);
  });

  it('and stall over and over without ever giving are banned', () => {
    const stage = new StagedTorrent();
    for (let i = 0; i < 6 && stage.bans.length === 0; i++) {
      const silent = stage.tryJoin({ number: 4 });
      silent?.peer.haveAll();
      silent?.peer.unchoke();
      stage.time.advance(61_000);
    }
    expect(stage.bans).toEqual([{ key: '10.0.0.4', cause: 'stalls' }]);
  });

  it('but whose line is slow keep it: a long answer takes its time', () => {
    const stage = new StagedTorrent({ shape: shapeOf(8, 16) });
    stage.joinGiver('all').peer.choke();
    const slow = stage.joinGiver('all');
    const { piece, offset, length } = slow.next()!;
    stage.time.advance(100);
    slow.begin(piece, offset, length);
    // 256 KiB at 25 kB/s.
    stage.time.advance(10_400);
    expect(slow.link.closedFor).toBeUndefined();
    slow.end();
    expect(stage.bans).toEqual([]);
  });

  it('and stick in a block for good are disconnected where others have the piece', () => {
    const stage = new StagedTorrent({ shape: shapeOf(8, 16) });
    stage.joinGiver('all');
    const stuck = stage.joinGiver('all');
    const { piece, offset, length } = stuck.next()!;
    stuck.begin(piece, offset, length);
    stage.time.advance(40_000);
    expect(stuck.link.closedFor).toBe('idle');
  });
});
