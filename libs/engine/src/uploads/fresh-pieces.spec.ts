import { BLOCK_LENGTH } from '@pixtorrent/peer-protocol';
import { describe, expect, it } from 'vitest';
import { type Actor, bits, full, idOf, StagedTorrent, shapeOf } from '../fixtures/staged-torrent.ts';

function taker(stage: StagedTorrent, prefix?: string): Actor {
  const actor = stage.join(prefix === undefined ? {} : { id: idOf(77, prefix) });
  actor.peer.haveNone();
  actor.peer.interested();
  return actor;
}

function ask(actor: Actor, piece: number): 'sent' | 'refused' {
  const before = actor.link.blocks.length;
  actor.peer.request(piece, 0, BLOCK_LENGTH);
  return actor.link.blocks.length > before ? 'sent' : 'refused';
}

describe('a seeder', () => {
  it('does not give what others can give, as long as it has something fresh', () => {
    const stage = new StagedTorrent({ shape: shapeOf(4), have: full(4) });
    const [a, b] = [taker(stage), taker(stage)];
    expect(ask(a, 0)).toBe('sent');
    expect(ask(b, 0)).toBe('refused');
    expect(ask(b, 1)).toBe('sent');
    a.peer.have(0);
    expect(ask(b, 0)).toBe('refused');
    expect(ask(a, 2)).toBe('sent');
    expect(ask(a, 3)).toBe('sent');
    // Nothing is fresh any more, and what was only given once may never be passed on.
    expect(ask(b, 2)).toBe('sent');
  });

  it('gives whatever is asked for again after a while', () => {
    const stage = new StagedTorrent({ shape: shapeOf(4), have: full(4) });
    const [a, b] = [taker(stage), taker(stage)];
    ask(a, 0);
    expect(ask(b, 0)).toBe('refused');
    stage.time.advance(300);
    expect(ask(b, 0)).toBe('refused');
    stage.time.advance(700);
    expect(ask(b, 0)).toBe('sent');
  });

  it('never refuses other clients: they take it for a fault', () => {
    const stage = new StagedTorrent({ shape: shapeOf(4), have: full(4) });
    const [a, b] = [taker(stage), taker(stage, '-TR4040-')];
    ask(a, 0);
    expect(ask(b, 0)).toBe('sent');
  });

  it('gives a piece again where its taker has left or does not pass it on', () => {
    const stage = new StagedTorrent({ shape: shapeOf(4), have: full(4) });
    const [a, b, c] = [taker(stage), taker(stage), taker(stage)];
    ask(a, 0);
    ask(a, 1);
    a.vanish();
    expect(ask(b, 0)).toBe('sent');
    expect(ask(c, 0)).toBe('refused');
    stage.time.advance(11_000);
    expect(ask(taker(stage), 0)).toBe('sent');
  });

  it('of a part of the content does not refuse: it cannot tell what is fresh elsewhere', () => {
    const stage = new StagedTorrent({ shape: shapeOf(4), have: bits(4, 0, 1), wanted: bits(4, 0, 1) });
    const [a, b] = [taker(stage), taker(stage)];
    a.peer.have(0);
    a.peer.have(1);
    expect(ask(b, 0)).toBe('sent');
    expect(ask(b, 1)).toBe('sent');
  });

  it('goes on refusing in a long run: what a peer has got elsewhere is no refusal any more', () => {
    const pieceCount = 70_000;
    const stage = new StagedTorrent({ shape: shapeOf(pieceCount, 1), have: full(pieceCount) });
    const [a, b] = [taker(stage), taker(stage)];
    for (let piece = 0; piece < pieceCount - 2; piece++) {
      a.peer.have(piece);
      expect(ask(b, piece)).toBe('refused');
      b.peer.have(piece);
    }
  });
});
