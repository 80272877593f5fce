import { BLOCK_LENGTH, pieceSize } from '@pixtorrent/peer-protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Actor, bits, StagedTorrent, shapeOf } from './fixtures/staged-torrent.ts';

const PIECES = 6;
const SHAPE = shapeOf(PIECES, 3, 20_000);

interface Step {
  readonly action: number;
  readonly piece: number;
  readonly a: number;
  readonly b: number;
}

const STEP: fc.Arbitrary<Step> = fc.record({
  action: fc.nat(21),
  piece: fc.nat(PIECES - 1),
  a: fc.nat(3 * BLOCK_LENGTH),
  b: fc.nat(3 * BLOCK_LENGTH),
});

/** A range within the piece, as a decoder would let it pass: on block borders or anywhere. */
function rangeOf({ piece, a, b }: Step) {
  const size = pieceSize(SHAPE, piece);
  const aligned = b % 2 === 0;
  const offset = Math.min(aligned ? Math.floor(a / BLOCK_LENGTH) * BLOCK_LENGTH : a, size - 1);
  const length = aligned ? Math.min(size - offset, BLOCK_LENGTH * (1 + (b % 3))) : 1 + (b % (size - offset));
  return { piece, offset, length };
}

/** One message of a peer that means no good, or the answer to what it was asked, or some time that passes. */
function say(stage: StagedTorrent, actor: Actor, step: Step): void {
  const { peer, link } = actor;
  const { action, piece, a, b } = step;
  if (action === 20) stage.time.advance(a);
  else if (action === 21) stage.settle(b % 2 === 0 ? [piece] : []);
  if (!link.open) return;
  if (link.landing !== undefined) {
    if (action % 3 === 0) actor.vanish();
    else actor.end();
    return;
  }
  const { offset, length } = rangeOf(step);
  const request = link.requests[a % Math.max(1, link.requests.length)];
  switch (action) {
    case 0:
      peer.choke();
      break;
    case 1:
      peer.unchoke();
      break;
    case 2:
      peer.interested();
      break;
    case 3:
      peer.notInterested();
      break;
    case 4:
      peer.have(piece);
      break;
    case 5:
      peer.bitfield(bits(PIECES, ...[0, 1, 2, 3, 4, 5].filter((p) => (a >> p) & 1)).bytes);
      break;
    case 6:
      peer.haveAll();
      break;
    case 7:
      peer.haveNone();
      break;
    case 8:
      peer.request(piece, offset, length);
      break;
    case 9:
      peer.cancel(piece, offset, length);
      break;
    case 10:
      peer.reject(piece, offset, length);
      break;
    case 11:
      if (request) peer.reject(request.piece, request.offset, request.length);
      break;
    case 12:
      if (request) peer.reject(request.piece, request.offset, Math.min(BLOCK_LENGTH, request.length));
      break;
    case 13:
      actor.begin(piece, offset, length);
      break;
    case 14:
    case 15:
    case 16:
      if (request) actor.begin(request.piece, request.offset, request.length);
      break;
    case 17:
      if (link.blocks.length > 0) peer.blockSent(link.blocks.shift()!.length);
      break;
    case 18:
      peer.terms(BLOCK_LENGTH + a, BLOCK_LENGTH + b);
      break;
    case 19:
      peer.extensionHandshake({
        ids: { ut_metadata: 1 + (a % 255) },
        port: 1 + b,
        uploadOnly: a % 7 === 0,
      });
      break;
  }
}

function leavesNothing(stage: StagedTorrent): void {
  const { torrent, memory } = stage;
  const { pieces } = torrent;
  stage.settle();
  expect(torrent.peers.size).toBe(0);
  expect([...pieces.active.keys()].filter((piece) => pieces.active.get(piece)!.untouched)).toEqual([]);
  for (const active of pieces.active.values()) expect(active.idle).toBe(true);
  expect([...memory.held].sort()).toEqual([...pieces.active.keys()].sort());
  expect(pieces.availability.seeds).toBe(0);
  expect(pieces.availability.unspread).toBe(PIECES);
}

describe('peers that say anything in any order', () => {
  it('break nothing and leave nothing behind, and the honest still finish', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(2), STEP), { maxLength: 150 }),
        fc.constantFrom('pixwire' as const, 'bep3' as const),
        fc.boolean(),
        fc.constantFrom(1, 2, 8),
        fc.constantFrom('none' as const, 'some' as const, 'all' as const),
        (script, wire, rejects, memory, kept) => {
          const have = bits(PIECES, ...{ none: [], some: [1, 4], all: [0, 1, 2, 3, 4, 5] }[kept]);
          const stage = new StagedTorrent({ shape: SHAPE, memory, have, superSeed: script.length % 2 === 0 });
          const actors: (Actor | undefined)[] = [];
          for (const [who, step] of script) {
            if (!actors[who]?.link.open)
              actors[who] = stage.tryJoin({ wire, rejects: wire === 'pixwire' || rejects });
            if (actors[who]) say(stage, actors[who], step);
          }
          for (const actor of actors) if (actor?.link.open) actor.vanish();
          leavesNothing(stage);
          const honest = stage.join({ number: 200 });
          honest.peer.haveAll();
          honest.peer.unchoke();
          for (let i = 0; i < 100 && !stage.torrent.have.complete; i++) {
            honest.giveAll();
            stage.settle();
            stage.time.advance(100);
          }
          expect(stage.torrent.have.complete).toBe(true);
          expect(stage.memory.held.size).toBe(0);
          stage.torrent.stop();
          expect(stage.time.pending).toBe(0);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
