import { isPixTorrent } from '@pixtorrent/core';
import type { Peer } from '../peer.ts';
import type { PieceTable } from '../pieces/piece-table.ts';

/** How long a piece given to a peer counts as being passed on before it is given again, milliseconds. */
const PASS_ON_TIME = 10_000;
/** A peer that asks again for a refused piece after this time gets it, milliseconds. */
const ASK_AGAIN = 450;
/** Refusals remembered; beyond it nothing is refused until pieces of them were given or got elsewhere. */
const MAX_REFUSALS = 65_536;

/**
 * Keeps a seeder from repeating itself: as long as there are pieces that nobody else has or is being given, it
 * refuses those that others can give; after that only those that two others have. Only to our own kind, on either
 * wire: others take a Reject for a fault. Nobody starves: what is asked for again half a second later is served.
 */
export class FreshPieces {
  readonly #pieces: PieceTable;
  /** To whom each piece that nobody else has was given, and when. */
  readonly #given = new Map<number, { readonly peer: Peer; readonly at: number }>();
  readonly #refusedAt = new Map<Peer, Map<number, number>>();
  #refusals = 0;

  constructor(pieces: PieceTable) {
    this.#pieces = pieces;
  }

  /** Whether to refuse the piece to the peer now. */
  refuses(peer: Peer, piece: number, now: number): boolean {
    if (!this.#pieces.have.complete || !peer.link.rejects || !isPixTorrent(peer.info.handshake.peerId))
      return false;
    if (!this.#othersGive(piece, peer, now)) return false;
    let refusals = this.#refusedAt.get(peer);
    const before = refusals?.get(piece);
    if (before !== undefined && now - before >= ASK_AGAIN) {
      refusals!.delete(piece);
      this.#refusals--;
      return false;
    }
    if (before !== undefined) return true;
    if (this.#refusals >= MAX_REFUSALS) return false;
    if (!refusals) {
      refusals = new Map();
      this.#refusedAt.set(peer, refusals);
    }
    refusals.set(piece, now);
    this.#refusals++;
    return true;
  }

  /** The piece is being sent to the peer. */
  gave(peer: Peer, piece: number, now: number): void {
    if (this.#pieces.availability.partialCopies(piece) === 0 && this.#given.get(piece)?.peer !== peer) {
      this.#given.set(piece, { peer, at: now });
    }
  }

  /** The peer has the piece: it can be passed on from there. */
  spread(peer: Peer, piece: number): void {
    this.#given.delete(piece);
    if (this.#refusedAt.get(peer)?.delete(piece)) this.#refusals--;
  }

  gone(peer: Peer): void {
    for (const [piece, { peer: holder }] of this.#given) if (holder === peer) this.#given.delete(piece);
    this.#refusals -= this.#refusedAt.get(peer)?.size ?? 0;
    this.#refusedAt.delete(peer);
  }

  /**
   * Whether somebody has it, or is being given it, while there are pieces that nobody has or is being given; after
   * that whether two have it: a single holder may be slow, and everybody would wait for it beside an idle seeder.
   */
  #othersGive(piece: number, asker: Peer, now: number): boolean {
    const { availability } = this.#pieces;
    const fresh = availability.unspread > this.#given.size;
    const copies = availability.partialCopies(piece);
    if (copies > 0) return fresh || copies > 1;
    const given = this.#given.get(piece);
    return fresh && given !== undefined && given.peer !== asker && now - given.at <= PASS_ON_TIME;
  }
}
