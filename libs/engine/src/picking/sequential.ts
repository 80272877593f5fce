import type { Peer } from '../peer.ts';
import type { PieceTable } from '../pieces/piece-table.ts';
import type { PiecePicker } from './picker.ts';

/** The first piece that the peer has: for those who read the content while it comes. */
export class Sequential implements PiecePicker {
  readonly #pieces: PieceTable;
  #first = 0;

  constructor(pieces: PieceTable) {
    this.#pieces = pieces;
  }

  pick(peer: Peer, allowed: (piece: number) => boolean): number {
    const { availability, shape } = this.#pieces;
    const { bytes } = peer.has;
    while (this.#first < shape.pieceCount && !this.#pieces.lacks(this.#first)) this.#first++;
    for (let piece = this.#first; piece < shape.pieceCount; piece++) {
      if (bytes[piece >>> 3] === 0) {
        piece |= 7;
        continue;
      }
      if (availability.isCandidate(piece) && peer.has.has(piece) && allowed(piece)) return piece;
    }
    return -1;
  }

  /** A piece before those that are here was lost. */
  rewind(): void {
    this.#first = 0;
  }
}
