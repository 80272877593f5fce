import type { Bitfield, Random } from '@pixtorrent/core';
import type { TorrentShape } from '@pixtorrent/peer-protocol';
import { pieceSize } from '@pixtorrent/peer-protocol';
import { ActivePiece } from './active-piece.ts';
import { Availability } from './availability.ts';

/**
 * A piece is in exactly one of these states:
 *
 *     missing → requested → stored → verifying → have
 *                                         └────→ failed → missing
 *
 * `requested`: begun, blocks are asked for or in memory; `stored`: all blocks are in memory; `have`: its hash was
 * right, it can be given to others.
 */
export type PieceState = 'missing' | 'requested' | 'stored' | 'verifying' | 'have' | 'failed';

const STATES: readonly PieceState[] = ['missing', 'requested', 'stored', 'verifying', 'have', 'failed'];
const CODE: Readonly<Record<PieceState, number>> = {
  missing: 0,
  requested: 1,
  stored: 2,
  verifying: 3,
  have: 4,
  failed: 5,
};

/** The state of every piece, and the only place where it changes. */
export class PieceTable {
  readonly shape: TorrentShape;
  /** Pieces whose hash was right. */
  readonly have: Bitfield;
  /** Pieces that this node wants to have in the end. */
  readonly wanted: Bitfield;
  readonly availability: Availability;
  /** Pieces begun and not yet verified. */
  readonly active = new Map<number, ActivePiece>();
  /** Of those, the ones with blocks that nobody was asked for, oldest first. */
  readonly open = new Set<ActivePiece>();
  readonly #state: Uint8Array;
  #remaining: number;

  readonly #growing: boolean;

  /** @param growing more pieces may be wanted at any time */
  constructor(shape: TorrentShape, have: Bitfield, wanted: Bitfield, random: Random, growing = false) {
    this.shape = shape;
    this.#growing = growing;
    this.have = have.clone();
    this.wanted = wanted.clone();
    this.availability = new Availability(shape.pieceCount, random, this.have);
    this.#state = new Uint8Array(shape.pieceCount);
    const candidates: number[] = [];
    for (let piece = 0; piece < shape.pieceCount; piece++) {
      if (have.has(piece)) this.#state[piece] = CODE.have;
      else if (wanted.has(piece)) candidates.push(piece);
    }
    this.#remaining = candidates.length;
    this.availability.fill(candidates);
  }

  /** Wanted pieces that are not here yet. */
  get remaining(): number {
    return this.#remaining;
  }

  /** Nothing is wanted any more, nor will be. */
  get complete(): boolean {
    return this.#remaining === 0 && (!this.#growing || this.have.complete);
  }

  /** Bytes of the pieces that are here and at no connected peer. */
  get soleBytes(): number {
    const { pieceLength, pieceCount } = this.shape;
    const missing = pieceLength - pieceSize(this.shape, pieceCount - 1);
    return this.availability.sole * pieceLength - (this.availability.isSole(pieceCount - 1) ? missing : 0);
  }

  state(piece: number): PieceState {
    return STATES[this.#state[piece]!]!;
  }

  /** Whether the piece is wanted and not here yet. */
  lacks(piece: number): boolean {
    return this.#state[piece] !== CODE.have && this.wanted.has(piece);
  }

  /** @returns whether it is lacked from now on, and was not before */
  want(piece: number): boolean {
    if (!this.wanted.add(piece) || this.#state[piece] === CODE.have) return false;
    this.#remaining++;
    if (this.#state[piece] === CODE.missing) this.availability.insert(piece);
    return true;
  }

  /** @returns whether it was lacked until now, and is not any more; what was begun stays wanted */
  unwant(piece: number): boolean {
    if (this.#state[piece] !== CODE.missing || !this.wanted.delete(piece)) return false;
    this.#remaining--;
    this.availability.remove(piece);
    return true;
  }

  /** missing -> requested */
  begin(piece: number): ActivePiece {
    this.#move(piece, 'missing', 'requested');
    this.availability.remove(piece);
    const active = new ActivePiece(piece, pieceSize(this.shape, piece));
    this.active.set(piece, active);
    this.open.add(active);
    return active;
  }

  /** requested -> missing: given up, its memory is free. */
  abandon(active: ActivePiece): void {
    this.#move(active.piece, 'requested', 'missing');
    this.#forget(active);
    this.availability.insert(active.piece);
  }

  /** requested -> stored: its last block arrived. */
  stored(active: ActivePiece): void {
    this.#move(active.piece, 'requested', 'stored');
    this.open.delete(active);
  }

  /** stored -> verifying */
  verifying(active: ActivePiece): void {
    this.#move(active.piece, 'stored', 'verifying');
  }

  /** verifying -> have */
  verified(active: ActivePiece): void {
    this.#move(active.piece, 'verifying', 'have');
    this.#forget(active);
    this.have.add(active.piece);
    this.availability.held(active.piece);
    if (this.wanted.has(active.piece)) this.#remaining--;
  }

  /** verifying -> failed */
  failed(active: ActivePiece): void {
    this.#move(active.piece, 'verifying', 'failed');
    this.#forget(active);
  }

  /** failed -> missing */
  retry(piece: number): void {
    this.#move(piece, 'failed', 'missing');
    this.availability.insert(piece);
  }

  /** have -> missing: the disk lost it. */
  lost(piece: number): void {
    this.#move(piece, 'have', 'missing');
    this.have.delete(piece);
    this.availability.lost(piece);
    if (!this.wanted.has(piece)) return;
    this.#remaining++;
    this.availability.insert(piece);
  }

  #forget(active: ActivePiece): void {
    this.active.delete(active.piece);
    this.open.delete(active);
  }

  #move(piece: number, from: PieceState, to: PieceState): void {
    if (this.#state[piece] !== CODE[from]) {
      throw new Error(`piece ${piece} is ${this.state(piece)}, not ${from}: cannot become ${to}`);
    }
    this.#state[piece] = CODE[to];
  }
}
