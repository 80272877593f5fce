import type { Peer } from '../peer.ts';
import type { PieceTable } from '../pieces/piece-table.ts';

/** Pieces shown to one peer and not yet seen at another. */
const SHOWN_AT_ONCE = 2;

/**
 * Super-seeding (BEP 16): a seeder that shows each peer a few pieces, and the next only when another peer has one
 * of them, so that it sends each piece about once even to clients that ask for whatever they see.
 */
export class SuperSeed {
  readonly #pieces: PieceTable;
  /** What each peer was shown; true once it was passed on. */
  readonly #shown = new Map<Peer, Map<number, boolean>>();
  /** To how many peers each piece was shown. */
  readonly #times: Uint16Array;

  constructor(pieces: PieceTable) {
    this.#pieces = pieces;
    this.#times = new Uint16Array(pieces.shape.pieceCount);
  }

  welcome(peer: Peer): void {
    this.#shown.set(peer, new Map());
    this.#show(peer);
  }

  gone(peer: Peer): void {
    for (const [piece, passedOn] of this.#shown.get(peer) ?? []) if (!passedOn) this.#times[piece]!--;
    this.#shown.delete(peer);
    for (const other of this.#shown.keys()) this.#show(other);
  }

  mayAsk(peer: Peer, piece: number): boolean {
    return this.#shown.get(peer)?.has(piece) ?? false;
  }

  /** A peer has a piece: whoever was shown it before has passed it on. */
  spread(holder: Peer, piece: number): void {
    for (const [peer, shown] of this.#shown) {
      const alone = this.#shown.size === 1;
      if ((peer === holder && !alone) || shown.get(piece) !== false) continue;
      shown.set(piece, true);
      this.#show(peer);
    }
    this.#show(holder);
  }

  /** A peer came with pieces: as `spread`, for all of them. */
  joined(holder: Peer): void {
    for (const [peer, shown] of this.#shown) {
      if (peer === holder) continue;
      for (const [piece, passedOn] of shown) if (!passedOn && holder.has.has(piece)) shown.set(piece, true);
      this.#show(peer);
    }
    this.#show(holder);
  }

  #show(peer: Peer): void {
    const shown = this.#shown.get(peer);
    if (!shown) return;
    let waiting = 0;
    for (const [piece, passedOn] of shown) if (!passedOn && !this.#finished(peer, piece)) waiting++;
    while (waiting < SHOWN_AT_ONCE) {
      const piece = this.#leastShown(peer, shown);
      if (piece < 0) return;
      shown.set(piece, false);
      this.#times[piece]!++;
      peer.link.have(piece);
      waiting++;
    }
  }

  /** The peer has it and nobody else lacks what it could pass on: waiting for it would stall the peer. */
  #finished(peer: Peer, piece: number): boolean {
    if (!peer.has.has(piece)) return false;
    for (const other of this.#shown.keys()) if (other !== peer && !other.has.has(piece)) return false;
    return true;
  }

  #leastShown(peer: Peer, shown: ReadonlyMap<number, boolean>): number {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let piece = 0; piece < this.#times.length; piece++) {
      if (peer.has.has(piece) || shown.has(piece)) continue;
      const weight = this.#times[piece]! + this.#pieces.availability.partialCopies(piece);
      if (weight < least) {
        best = piece;
        least = weight;
        if (weight === 0) break;
      }
    }
    return best;
  }
}
