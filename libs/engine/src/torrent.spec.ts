import { BLOCK_LENGTH } from '@pixtorrent/peer-protocol';
import { describe, expect, it } from 'vitest';
import { keepsOwnDial } from './connections/duplicates.ts';
import { bits, full, idOf, StagedTorrent, shapeOf } from './fixtures/staged-torrent.ts';

const X = { host: '10.0.0.9', port: 6881 };

/** IDs of a peer whose own dial wins, and of one whose dial loses, against the staged torrent's ID. */
function idWhereOwnDialIsKept(kept: boolean) {
  for (let number = 1; ; number++) if (keepsOwnDial(idOf(0), idOf(number)) === kept) return idOf(number);
}

describe('a torrent and its connections', () => {
  it('dials as many as it wants, though only some at a time', () => {
    const stage = new StagedTorrent({ tuning: { dialTarget: 20, maxHalfOpen: 4 } });
    const endpoints = Array.from({ length: 40 }, (_, i) => ({ host: `10.1.0.${i}`, port: 6881 }));
    stage.torrent.discovered(endpoints);
    expect(stage.dials).toHaveLength(4);
    for (let i = 0; i < 20; i++) {
      const dial = stage.dials[i];
      expect(dial, `dial ${i}`).toBeDefined();
      stage.join({ incoming: false, endpoint: dial!.endpoint });
    }
    expect(stage.dials).toHaveLength(20);
    expect(stage.torrent.peers.size).toBe(20);
  });

  it('keeps the own dial of two connections, and does not dial that peer again', () => {
    const stage = new StagedTorrent();
    const id = idWhereOwnDialIsKept(true);
    stage.torrent.discovered([X]);
    const incoming = stage.join({ id, incoming: true, endpoint: { host: X.host, port: 40_000 } });
    incoming.peer.extensionHandshake({ ids: {}, port: X.port });
    const outgoing = stage.join({ id, incoming: false, endpoint: X });
    expect(incoming.link.closedFor).toBe('duplicate');
    stage.time.advance(120_000);
    expect(stage.dials).toHaveLength(1);
    expect(outgoing.link.open).toBe(true);
    outgoing.vanish();
    stage.time.advance(120_000);
    expect(stage.dials).toHaveLength(2);
  });

  it('keeps the other side’s dial where that wins, and dials again once it is lost', () => {
    const stage = new StagedTorrent();
    const id = idWhereOwnDialIsKept(false);
    stage.torrent.discovered([X]);
    const incoming = stage.join({ id, incoming: true, endpoint: { host: X.host, port: 40_000 } });
    expect(stage.tryJoin({ id, incoming: false, endpoint: X })).toBeUndefined();
    stage.time.advance(60_000);
    expect(stage.dials).toHaveLength(1);
    expect(incoming.link.open).toBe(true);
    incoming.vanish();
    stage.time.advance(60_000);
    expect(stage.dials).toHaveLength(2);
  });

  it('gives up its own dial for the other side’s', () => {
    const stage = new StagedTorrent();
    const id = idWhereOwnDialIsKept(false);
    stage.torrent.discovered([X]);
    const outgoing = stage.join({ id, incoming: false, endpoint: X });
    const incoming = stage.join({ id, incoming: true, endpoint: { host: X.host, port: 40_000 } });
    incoming.peer.extensionHandshake({ ids: {}, port: X.port });
    expect(outgoing.link.closedFor).toBe('duplicate');
    stage.time.advance(60_000);
    expect(stage.dials).toHaveLength(1);
    expect([...stage.torrent.peers]).toEqual([incoming.peer]);
  });

  it('never dials itself twice', () => {
    const stage = new StagedTorrent();
    stage.torrent.discovered([X]);
    expect(stage.tryJoin({ id: idOf(0), incoming: false, endpoint: X })).toBeUndefined();
    expect(stage.tryJoin({ id: idOf(0), incoming: true, endpoint: X })).toBeUndefined();
    for (let i = 0; i < 100; i++) {
      stage.torrent.discovered([X]);
      stage.time.advance(60_000);
    }
    expect(stage.dials).toHaveLength(1);
  });

  it('redials in PixWire one of its own kind that it met over BEP 3, once', () => {
    const stage = new StagedTorrent();
    stage.torrent.discovered([X]);
    expect(stage.dials[0]).toEqual({ endpoint: X, wire: undefined });
    expect(stage.tryJoin({ wire: 'bep3', incoming: false, endpoint: X })).toBeUndefined();
    expect(stage.dials[1]).toEqual({ endpoint: X, wire: 'pixwire' });
    // It refused PixWire, and the dialler fell back.
    expect(stage.tryJoin({ wire: 'bep3', incoming: false, endpoint: X })).toBeDefined();
    expect(stage.dials).toHaveLength(2);
  });

  it('takes others over BEP 3 as they are', () => {
    const stage = new StagedTorrent();
    stage.torrent.discovered([X]);
    const id = idOf(5, '-TR4040-');
    expect(stage.tryJoin({ id, wire: 'bep3', incoming: false, endpoint: X })).toBeDefined();
    expect(stage.dials).toHaveLength(1);
  });

  it('bans a peer at its third broken rule, not before', () => {
    const stage = new StagedTorrent();
    for (let i = 1; i <= 3; i++) {
      const actor = stage.joinGiver('all', { number: 3 });
      actor.peer.blockBegin(0, 3 * BLOCK_LENGTH, 1);
      expect(actor.link.closedFor).toBe('protocol-error');
      expect(stage.bans).toHaveLength(i === 3 ? 1 : 0);
    }
    expect(stage.tryJoin({ number: 3 })).toBeUndefined();
    stage.time.advance(3_600_001);
    expect(stage.tryJoin({ number: 3 })).toBeDefined();
  });

  it('refuses more connections than it may have', () => {
    const stage = new StagedTorrent({ tuning: { maxConnections: 3 } });
    for (let i = 0; i < 3; i++) stage.join();
    expect(stage.tryJoin()).toBeUndefined();
  });
});

describe('a torrent that stops', () => {
  it('leaves no timer behind', () => {
    const stage = new StagedTorrent();
    stage.torrent.discovered([X]);
    const giver = stage.joinGiver('all');
    giver.peer.interested();
    giver.begin(giver.link.requests[0]!.piece, 0, giver.link.requests[0]!.length);
    stage.torrent.stop();
    expect(giver.link.closedFor).toBe('stopped');
    expect(stage.time.pending).toBe(0);
    expect(stage.torrent.peers.size).toBe(0);
  });

  it('leaves no timer behind where the owner stops it on the news of a lost peer', () => {
    const stage = new StagedTorrent({ tuning: { deadAfter: 20_000 } });
    const events = stage.torrent.dependencies.events as { peerDisconnected: () => void };
    events.peerDisconnected = () => stage.torrent.stop();
    stage.joinGiver('all');
    stage.time.advance(30_000);
    expect(stage.torrent.peers.size).toBe(0);
    expect(stage.time.pending).toBe(0);
  });

  it('takes no answers any more, and asks for nothing', () => {
    const stage = new StagedTorrent();
    const first = stage.joinGiver('all');
    const second = stage.joinGiver('all');
    first.giveAll();
    second.giveAll();
    expect(stage.memory.verifying.length).toBeGreaterThan(0);
    stage.torrent.stop();
    const { verifying, storing, fingerprinting } = stage.memory;
    for (const piece of verifying.splice(0)) {
      stage.torrent.pieceVerified(piece, true);
      stage.torrent.pieceFingerprinted(piece, []);
    }
    stage.torrent.memoryAvailable();
    stage.torrent.discovered([X]);
    expect([...storing, ...fingerprinting, ...stage.dials]).toEqual([]);
    expect(stage.time.pending).toBe(0);
  });
});

describe('a torrent and what it has', () => {
  it('says so first, in the shortest form', () => {
    const pieceCount = 8;
    const said = (...have: number[]) =>
      new StagedTorrent({ have: bits(pieceCount, ...have) }).join().link.said[0];
    expect(said()).toBe('haveNone');
    expect(said(1, 2)).toBe('bitfield');
    expect(said(0, 1, 2, 3, 4, 5, 6, 7)).toBe('haveAll');
  });

  it('is complete once, when the last piece is on the disk', () => {
    const stage = new StagedTorrent({ shape: shapeOf(2, 2, 5000) });
    const giver = stage.joinGiver('all');
    giver.giveAll();
    expect(stage.completions).toBe(0);
    for (const piece of stage.memory.verifying.splice(0)) stage.torrent.pieceVerified(piece, true);
    expect(stage.torrent.pieces.complete).toBe(true);
    expect(stage.completions).toBe(0);
    stage.settle();
    expect(stage.completions).toBe(1);
    expect(giver.link.closedFor).toBe('both-complete');
    expect(stage.memory.held.size).toBe(0);
  });

  it('fetches again what the disk has lost, in any order of pieces', () => {
    for (const order of ['rarest-first', 'sequential'] as const) {
      const shape = shapeOf(3, 1);
      const stage = new StagedTorrent({ shape, order, memory: 1 });
      const giver = stage.joinGiver([0, 1]);
      for (let i = 0; i < 4; i++) {
        giver.giveAll();
        stage.settle();
        stage.time.advance(1);
      }
      expect(stage.torrent.have.count).toBe(2);
      stage.torrent.readFailed(0);
      expect(stage.torrent.pieces.remaining).toBe(2);
      const other = stage.joinGiver('all');
      for (let i = 0; i < 10; i++) {
        giver.giveAll();
        other.giveAll();
        stage.settle();
        stage.time.advance(100);
      }
      expect([order, stage.torrent.have.complete]).toEqual([order, true]);
    }
  });

  it('asks at once for a piece that the disk has lost, though nothing else happens', () => {
    const stage = new StagedTorrent({ shape: shapeOf(2, 1), have: bits(2, 0) });
    const slow = stage.joinGiver([1]);
    const able = stage.joinGiver('all');
    expect([...slow.link.requests, ...able.link.requests]).toHaveLength(1);
    able.link.requests.length = 0;
    stage.torrent.readFailed(0);
    stage.time.advance(1);
    expect(able.link.requests.map(({ piece }) => piece)).toContain(0);
  });

  it('counts right whatever a peer announces, in whatever order', () => {
    const stage = new StagedTorrent({ shape: shapeOf(4) });
    const { availability } = stage.torrent.pieces;
    const odd = stage.join();
    for (const piece of [0, 1, 2]) odd.peer.have(piece);
    odd.peer.bitfield(bits(4, 3).bytes);
    expect(odd.peer.seed).toBe(true);
    expect(availability.seeds).toBe(1);
    odd.vanish();
    expect(availability.seeds).toBe(0);
    expect(availability.unspread).toBe(4);
    expect([0, 1, 2, 3].map((piece) => availability.copies(piece))).toEqual([0, 0, 0, 0]);
  });

  it('closes when neither side wants anything, and never when one does', () => {
    const stage = new StagedTorrent({ have: full(8) });
    const seed = stage.join();
    seed.peer.haveAll();
    expect(seed.link.closedFor).toBe('both-complete');
    const taker = stage.join();
    taker.peer.interested();
    taker.peer.haveAll();
    expect(taker.link.open).toBe(true);
  });

  it('leaves alone for longer and longer one that takes connections only to drop them', () => {
    const stage = new StagedTorrent();
    const endpoint = { host: '10.0.0.9', port: 6881 };
    stage.torrent.discovered([endpoint]);
    let dials = 0;
    for (let second = 0; second < 3600; second++) {
      while (stage.dials.length > dials) {
        dials++;
        stage.join({ incoming: false, endpoint, number: 9 }).vanish();
      }
      stage.time.advance(1000);
    }
    expect(dials).toBeGreaterThan(5);
    expect(dials).toBeLessThan(40);
  });
});
