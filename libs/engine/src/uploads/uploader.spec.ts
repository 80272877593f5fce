import { BLOCK_LENGTH } from '@pixtorrent/peer-protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Actor, bits, full, idOf, StagedTorrent, shapeOf } from '../fixtures/staged-torrent.ts';
import { TokenBucket } from '../rates/token-bucket.ts';

const name = ({ piece, offset, length }: { piece: number; offset: number; length: number }) =>
  `${piece}+${offset}:${length}`;

/** The network takes all that was sent to it. */
function takeAll(actor: Actor, from: number): number {
  const { blocks } = actor.link;
  let taken = from;
  while (taken < blocks.length && actor.link.open) actor.peer.blockSent(blocks[taken++]!.length);
  return taken;
}

describe('uploads', () => {
  it('answer every request once, by data or by Reject, whatever is choked, cancelled or lost', () => {
    const step = fc.record({
      action: fc.nat(9),
      piece: fc.nat(5),
      block: fc.nat(3),
      blocks: fc.integer({ min: 1, max: 2 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), fc.boolean(), (steps, ours) => {
        const limits = [new TokenBucket(10_000_000, 0)];
        const stage = new StagedTorrent({
          shape: shapeOf(6, 5),
          have: full(6),
          uploadLimits: limits,
          tuning: { inFlight: 2 * BLOCK_LENGTH, uploadQueue: 12 * BLOCK_LENGTH },
        });
        const actor = stage.join({ id: idOf(1, ours ? '-PX0100-' : '-TR4040-') });
        actor.peer.interested();
        const asked: string[] = [];
        let taken = 0;
        for (const { action, piece, block, blocks } of steps) {
          const range = { piece, offset: block * BLOCK_LENGTH, length: blocks * BLOCK_LENGTH };
          if (action < 4) {
            asked.push(name(range));
            actor.peer.request(range.piece, range.offset, range.length);
          } else if (action === 4) actor.peer.cancel(range.piece, range.offset, range.length);
          else if (action === 5) actor.peer.notInterested();
          else if (action === 6) actor.peer.interested();
          else if (action === 7 && taken < actor.link.blocks.length)
            actor.peer.blockSent(actor.link.blocks[taken++]!.length);
          else if (action === 8) stage.time.advance(5);
          else if (action === 9 && blocks === 2) stage.torrent.readFailed(piece);
        }
        for (let i = 0; i < 200; i++) {
          taken = takeAll(actor, taken);
          stage.time.advance(20);
        }
        const answered = [...actor.link.blocks, ...actor.link.rejected].map(name);
        expect(answered.sort()).toEqual(asked.sort());
        expect(actor.peer.inFlight).toBe(0);
        expect(actor.peer.uploads.bytes).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('go to all in turn, and no more at a time than the line of each takes', () => {
    const stage = new StagedTorrent({
      shape: shapeOf(8),
      have: full(8),
      uploadLimits: [new TokenBucket(1_000_000, 0)],
      tuning: { inFlight: BLOCK_LENGTH, inFlightTime: 0, hurriedInFlightTime: 0 },
    });
    const actors = [stage.join(), stage.join(), stage.join()];
    for (const [index, actor] of actors.entries()) {
      actor.peer.interested();
      for (let piece = 0; piece < 2; piece++) {
        for (let block = 0; block < 4; block++)
          actor.peer.request(index * 2 + piece, block * BLOCK_LENGTH, BLOCK_LENGTH);
      }
    }
    const taken = [0, 0, 0];
    for (let ms = 0; ms < 2000; ms++) {
      for (const [index, actor] of actors.entries()) {
        expect(actor.peer.inFlight).toBeLessThanOrEqual(BLOCK_LENGTH);
        const block = actor.link.blocks[taken[index]!];
        if (block === undefined) continue;
        taken[index]!++;
        actor.peer.blockSent(block.length);
      }
      expect(Math.max(...taken) - Math.min(...taken)).toBeLessThanOrEqual(1);
      stage.time.advance(1);
    }
    expect(taken).toEqual([8, 8, 8]);
  });

  it('are handed over in small parts to a peer that took some back: it is in a hurry for others', () => {
    const stage = new StagedTorrent({
      have: full(8),
      tuning: {
        inFlight: 8 * BLOCK_LENGTH,
        inFlightTime: 0,
        hurriedInFlight: BLOCK_LENGTH,
        hurriedInFlightTime: 0,
      },
    });
    const actor = stage.join();
    actor.peer.interested();
    for (let block = 0; block < 16; block++)
      actor.peer.request(block >> 2, (block & 3) * BLOCK_LENGTH, BLOCK_LENGTH);
    expect(actor.peer.inFlight).toBe(8 * BLOCK_LENGTH);
    actor.peer.cancel(3, 3 * BLOCK_LENGTH, BLOCK_LENGTH);
    actor.peer.blockSent(8 * BLOCK_LENGTH);
    expect(actor.peer.inFlight).toBe(BLOCK_LENGTH);
    stage.time.advance(10_000);
    actor.peer.blockSent(BLOCK_LENGTH);
    expect(actor.peer.inFlight).toBe(6 * BLOCK_LENGTH);
  });

  it('are refused beyond what one peer may queue', () => {
    const stage = new StagedTorrent({
      have: full(8),
      tuning: {
        uploadQueue: 4 * BLOCK_LENGTH,
        inFlight: BLOCK_LENGTH,
        inFlightTime: 0,
        hurriedInFlightTime: 0,
      },
    });
    const actor = stage.join();
    actor.peer.interested();
    for (let block = 0; block < 12; block++)
      actor.peer.request(block >> 2, (block & 3) * BLOCK_LENGTH, BLOCK_LENGTH);
    expect(actor.link.blocks).toHaveLength(1);
    expect(actor.link.rejected).toHaveLength(7);
  });

  it('go on after a block that could not be read', () => {
    const stage = new StagedTorrent({
      have: full(8),
      tuning: { inFlight: BLOCK_LENGTH, inFlightTime: 0, hurriedInFlightTime: 0 },
    });
    const actor = stage.join();
    actor.peer.interested();
    actor.peer.request(0, 0, BLOCK_LENGTH);
    actor.peer.request(0, BLOCK_LENGTH, BLOCK_LENGTH);
    actor.peer.request(1, 0, BLOCK_LENGTH);
    actor.peer.blockNotSent(0, 0, BLOCK_LENGTH);
    stage.torrent.readFailed(0);
    expect(actor.link.rejected.map(({ piece }) => piece)).toEqual(expect.arrayContaining([0]));
    actor.peer.blockSent(BLOCK_LENGTH);
    expect(actor.link.blocks.map(({ piece }) => piece)).toContain(1);
  });

  it('go first to what only a leaving node has, also to those who may not be refused anything', () => {
    const stage = new StagedTorrent({
      have: bits(8, 0, 1, 2, 3),
      tuning: { inFlight: 1, inFlightTime: 0, hurriedInFlightTime: 0 },
    });
    const [a, b] = [1, 2].map((number) =>
      stage.join({ wire: 'bep3', rejects: false, id: idOf(number, '-XX0000-') }),
    );
    a!.peer.bitfield(bits(8, 0, 1).bytes);
    for (const actor of [a!, b!]) actor.peer.interested();
    const ask = (actor: Actor, ...pieces: number[]): void => {
      for (const piece of pieces) actor.peer.request(piece, 0, BLOCK_LENGTH);
    };
    ask(b!, 0, 0, 1, 2);
    ask(a!, 3, 3);
    stage.torrent.drain();
    for (let i = 0; i < 6; i++)
      for (const actor of [b!, a!]) if (actor.peer.inFlight > 0) actor.peer.blockSent(BLOCK_LENGTH);
    const order = (actor: Actor) => actor.link.blocks.map(({ piece }) => piece);
    // The first was on its way before.
    expect(order(b!)).toEqual([0, 2, 0, 1]);
    expect(order(a!)).toEqual([3, 3]);
  });
});
