import type { Peer } from '../peer.ts';
import type { ActivePiece } from '../pieces/active-piece.ts';
import type { PieceTable } from '../pieces/piece-table.ts';

/** Pieces that may have a deadline at once. */
const MAX_DEADLINES = 4096;
/** The most urgent ones, among which a peer is given something to do. */
const LOOK = 128;

/** Pieces that somebody waits for come before all others, the most urgent first. */
export class Deadlines {
  readonly #pieces: PieceTable;
  /** Piece and the time at which it is due, the most urgent first. */
  readonly #due: { readonly piece: number; readonly at: number }[] = [];
  readonly #set = new Set<number>();

  constructor(pieces: PieceTable) {
    this.#pieces = pieces;
  }

  /** Whether somebody waits. */
  get waiting(): boolean {
    return this.#due.length > 0;
  }

  has(piece: number): boolean {
    return this.#set.has(piece);
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
    this.#set.add(piece);
    if (this.#due.length > MAX_DEADLINES) this.#set.delete(this.#due.pop()!.piece);
  }

  /** Nobody waits for the piece any more. */
  clear(piece: number): void {
    if (!this.#set.delete(piece)) return;
    this.#due.splice(
      this.#due.findIndex((due) => due.piece === piece),
      1,
    );
  }

  /** The most urgent pieces. */
  *first(count = LOOK): Generator<number> {
    for (let i = 0; i < Math.min(count, this.#due.length); i++) yield this.#due[i]!.piece;
  }

  /** The most urgent piece of which the peer can be asked for something that `allowed` lets through; -1: none. */
  next(peer: Peer, allowed: (piece: number) => boolean): number {
    const end = Math.min(LOOK, this.#due.length);
    for (let i = 0; i < end; i++) {
      const { piece } = this.#due[i]!;
      if (peer.has.has(piece) && this.lacksRequests(piece, peer) && allowed(piece)) return piece;
    }
    return -1;
  }

  /** Whether there is something of the piece that nobody was asked for, and that the peer may be. */
  lacksRequests(piece: number, peer: Peer): boolean {
    const active: ActivePiece | undefined = this.#pieces.active.get(piece);
    if (active === undefined) return this.#pieces.availability.isCandidate(piece);
    return active.missing > 0 && (active.only === undefined || active.only === peer.serial);
  }
}
