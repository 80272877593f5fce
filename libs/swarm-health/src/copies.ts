import type { Bitfield } from '@pixtorrent/core';

/** Pieces are told by the number of their copies in such groups: each from here to below the next, the last without end. */
export const COPY_GROUPS = [0, 1, 2, 3, 4, 8, 16] as const;

/**
 * How many members have each piece, kept as pieces come and go. Who has a piece alone is known at once: beside the count
 * stands the exclusive or of its holders, which is the holder where there is one.
 */
export class Copies {
  readonly #counts: Uint16Array;
  readonly #holders: Uint16Array;
  /** Pieces by number of copies. */
  #pieces: Uint32Array;
  /** By holder: pieces that nobody else has. */
  #sole = new Uint32Array(16);

  constructor(pieces: number) {
    this.#counts = new Uint16Array(pieces);
    this.#holders = new Uint16Array(pieces);
    this.#pieces = new Uint32Array(16);
    this.#pieces[0] = pieces;
  }

  /** By piece. Read only. */
  get counts(): Uint16Array {
    return this.#counts;
  }

  /** @param holder below 65,536; it did not have the piece @returns copies now */
  add(piece: number, holder: number): number {
    const count = this.#counts[piece]! + 1;
    if (count === 1) this.#holds(holder, 1);
    else if (count === 2) this.#holds(this.#holders[piece]!, -1);
    this.#set(piece, holder, count - 1, count);
    return count;
  }

  /** @param holder had the piece @returns copies now */
  remove(piece: number, holder: number): number {
    const count = this.#counts[piece]! - 1;
    this.#set(piece, holder, count + 1, count);
    if (count === 0) this.#holds(holder, -1);
    else if (count === 1) this.#holds(this.#holders[piece]!, 1);
    return count;
  }

  /** A holder comes with all that it has. */
  addAll({ bytes }: Bitfield, holder: number): void {
    for (let byte = 0; byte < bytes.length; byte++)
      for (let bits = bytes[byte]!, piece = byte * 8; bits !== 0; bits = (bits << 1) & 0xff, piece++)
        if (bits & 0x80) this.add(piece, holder);
  }

  /** And goes with it. */
  removeAll({ bytes }: Bitfield, holder: number): void {
    for (let byte = 0; byte < bytes.length; byte++)
      for (let bits = bytes[byte]!, piece = byte * 8; bits !== 0; bits = (bits << 1) & 0xff, piece++)
        if (bits & 0x80) this.remove(piece, holder);
  }

  /** Pieces that would be lost with a holder. */
  sole(holder: number): number {
    return this.#sole[holder] ?? 0;
  }

  /** Pieces that nobody has. */
  get missing(): number {
    return this.#pieces[0]!;
  }

  /** Copies of the rarest piece. */
  get rarest(): number {
    let count = 0;
    while (count < this.#pieces.length && this.#pieces[count] === 0) count++;
    return count;
  }

  /** Whole copies, and the part of the pieces that have one copy more. */
  get distributed(): number {
    const { rarest } = this;
    return rarest + 1 - this.#pieces[rarest]! / this.#counts.length;
  }

  /** Pieces in each of the `COPY_GROUPS`. */
  get grouped(): number[] {
    const groups = COPY_GROUPS.map(() => 0);
    let group = 0;
    for (let count = 0; count < this.#pieces.length; count++) {
      if (count === COPY_GROUPS[group + 1]) group++;
      groups[group]! += this.#pieces[count]!;
    }
    return groups;
  }

  #set(piece: number, holder: number, from: number, to: number): void {
    this.#counts[piece] = to;
    this.#holders[piece]! ^= holder;
    if (to >= this.#pieces.length) this.#pieces = grown(this.#pieces);
    this.#pieces[from]!--;
    this.#pieces[to]!++;
  }

  #holds(holder: number, change: number): void {
    while (holder >= this.#sole.length) this.#sole = grown(this.#sole);
    this.#sole[holder]! += change;
  }
}

function grown(array: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
