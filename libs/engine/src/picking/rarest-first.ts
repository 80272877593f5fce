import type { Random } from '@pixtorrent/core';
import type { Peer } from '../peer.ts';
import type { PieceTable } from '../pieces/piece-table.ts';
import type { PiecePicker } from './picker.ts';

/** Candidates looked at in the order of rarity before the peer's own pieces are looked through instead. */
const WALK = 256;
/** Pieces taken at random before rarity counts: a new node wants something to give, whatever it is. */
const RANDOM_FIRST = 4;

/**
 * The rarest piece that the peer has, ties at random (BEP 3). Rarity is kept sorted, so the usual pick looks at a
 * few entries; for a peer that has little, its bits are searched a byte at a time.
 */
export class RarestFirst implements PiecePicker {
  readonly #pieces: PieceTable;
  readonly #random: Random;

  constructor(pieces: PieceTable, random: Random) {
    this.#pieces = pieces;
    this.#random = random;
  }

  pick(peer: Peer, allowed: (piece: number) => boolean): number {
    const { availability, have } = this.#pieces;
    if (availability.size === 0) return -1;
    if (have.count < RANDOM_FIRST && !peer.seed) {
      const piece = this.#search(peer, allowed, 1);
      if (piece >= 0) return piece;
    }
    const end = Math.min(availability.size, WALK);
    for (let i = 0; i < end; i++) {
      const piece = availability.order[i]!;
      if (peer.has.has(piece) && allowed(piece)) return piece;
    }
    return availability.size > WALK ? this.#search(peer, allowed, WALK) : -1;
  }

  /** The rarest among the first `sample` of the peer's pieces from a random place on. */
  #search(peer: Peer, allowed: (piece: number) => boolean, sample: number): number {
    const { availability } = this.#pieces;
    const bytes = peer.has.bytes;
    const start = this.#random.below(bytes.length);
    let best = -1;
    let seen = 0;
    for (let i = 0; i < bytes.length && seen < sample; i++) {
      const byte = start + i < bytes.length ? start + i : start + i - bytes.length;
      if (bytes[byte] === 0) continue;
      for (let bit = 0; bit < 8; bit++) {
        const piece = byte * 8 + bit;
        if ((bytes[byte]! & (0x80 >>> bit)) === 0 || !availability.isCandidate(piece) || !allowed(piece))
          continue;
        seen++;
        if (best < 0 || availability.partialCopies(piece) < availability.partialCopies(best)) best = piece;
      }
    }
    return best;
  }
}
