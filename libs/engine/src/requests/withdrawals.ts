import type { Peer } from '../peer.ts';
import type { ActivePiece } from '../pieces/active-piece.ts';
import type { Swarm } from '../swarm.ts';

/**
 * Requests that are taken back, because their answer is late, refused, not needed or will not come, and what becomes
 * of their pieces. Where an answer may still come the request stays in its queue, marked: its blocks can be asked of
 * others, and the answer is taken all the same if it comes first.
 */
export class Withdrawals {
  readonly #swarm: Swarm;

  constructor(swarm: Swarm) {
    this.#swarm = swarm;
  }

  /** The peer will answer nothing of what it was asked. */
  all(peer: Peer): void {
    const { requests } = peer;
    for (let i = 0; i < requests.count; i++) {
      const piece = requests.pieceAt(i);
      if (requests.isMarked(i)) this.settled(piece);
      else this.drop(piece, requests.offsetAt(i), requests.lengthAt(i));
    }
    requests.clear();
  }

  /** The range is asked of one peer less. */
  drop(piece: number, offset: number, length: number): void {
    const active = this.#swarm.pieces.active.get(piece);
    if (!active) return;
    active.drop(offset, length);
    // Whoever was to give it alone does not: waiting for that peer could take for ever.
    active.only = undefined;
    if (active.untouched) this.abandon(active);
    else this.reopen(active);
  }

  /** A marked range will not come: it may have been all that the piece was kept for. */
  settled(piece: number): void {
    const active = this.#swarm.pieces.active.get(piece);
    if (active?.untouched) this.abandon(active);
  }

  /** Frees what the peer is late with, so that others can be asked. */
  late(peer: Peer, olderThan: number): void {
    const { requests } = peer;
    for (let i = 0; i < requests.count && requests.timeAt(i) < olderThan; i++) {
      if (requests.isMarked(i)) continue;
      requests.mark(i);
      const active = this.#swarm.pieces.active.get(requests.pieceAt(i));
      if (!active) continue;
      active.drop(requests.offsetAt(i), requests.lengthAt(i));
      active.only = undefined;
      this.reopen(active);
    }
  }

  /** Tells the peer that the request at that place in its queue is not needed any more; it may be removed by this. */
  cancel(peer: Peer, position: number): void {
    const { requests, link } = peer;
    const piece = requests.pieceAt(position);
    const offset = requests.offsetAt(position);
    const length = requests.lengthAt(position);
    const active = this.#swarm.pieces.active.get(piece);
    if (active) {
      active.drop(offset, length);
      this.reopen(active);
    }
    link.cancel(piece, offset, length);
    if (link.rejects) requests.mark(position);
    else {
      peer.strayCredit += length;
      requests.remove(position);
    }
  }

  /** Gives the piece up: its memory is free. */
  abandon(active: ActivePiece): void {
    this.#swarm.pieces.abandon(active);
    this.#swarm.dependencies.pieces.release(active.piece);
  }

  /** A late answer may have taken what was missing, or a failed one given it back. */
  reopen(active: ActivePiece): void {
    const { open } = this.#swarm.pieces;
    if (active.missing > 0) open.add(active);
    else open.delete(active);
  }
}

/** It owes answers that were given up; until they come there is no use in asking for more. */
export function isLate({ requests }: Peer): boolean {
  return requests.count > 0 && requests.isMarked(0);
}
