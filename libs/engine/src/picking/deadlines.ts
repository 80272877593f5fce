import type { Peer } from '../peer.ts';
import type { PieceTable } from '../pieces/piece-table.ts';
import type { PiecePicker } from './picker.ts';

/** Pieces that may have a deadline at once. */
const MAX_DEADLINES = 4096;

/** Pieces that somebody waits for come before all others, the most urgent first; then another policy decides. */
export class Deadlines implements PiecePicker {
  readonly #pieces: PieceTable;
  readonly #rest: PiecePicker;
  /** Piece and the time at which it is due, the most urgent first. */
  #due: { piece: number; at: number }[] = [];

  constructor(pieces: PieceTable, rest: PiecePicker) {
    this.#pieces = pieces;
    this.#rest = rest;
  }

  /**
   * Asks for a piece by a time; a later call for the same piece replaces the earlier.
   * Beyond 4,096 pieces the least urgent are forgotten: they come in their usual order.
   */
  set(piece: number, at: number): void {
    this.clear(piece);
    let position = this.#due.length;
    while (position > 0 && this.#due[position - 1]!.at > at) position--;
    this.#due.splice(position, 0, { piece, at });
    this.#due.length = Math.min(this.#due.length, MAX_DEADLINES);
  }

  /** Nobody waits for the piece any more. */
  clear(piece: number): void {
    const position = this.#due.findIndex((due) => due.piece === piece);
    if (position >= 0) this.#due.splice(position, 1);
  }

  pick(peer: Peer, allowed: (piece: number) => boolean): number {
    for (const { piece } of this.#due) {
      if (this.#pieces.availability.isCandidate(piece) && peer.has.has(piece) && allowed(piece)) return piece;
    }
    return this.#rest.pick(peer, allowed);
  }

  rewind(): void {
    this.#rest.rewind?.();
  }
}
