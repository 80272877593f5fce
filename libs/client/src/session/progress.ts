import type { Bitfield } from '@pixtorrent/core';
import { type Metainfo, pieceSize } from '@pixtorrent/metainfo';

/** How much of what is wanted is here, in bytes. */
export class Progress {
  readonly #metainfo: Metainfo;
  /** Undefined where everything counts: what is wanted is not known beforehand. */
  readonly #wanted: Bitfield | undefined;
  readonly total: number;
  #have = 0;

  constructor(metainfo: Metainfo, have: Bitfield, wanted: Bitfield | undefined) {
    this.#metainfo = metainfo;
    this.#wanted = wanted;
    this.total = wanted ? bytesOf(metainfo, wanted) : metainfo.length;
    for (const piece of have) this.gained(piece);
  }

  get have(): number {
    return this.#have;
  }

  gained(piece: number): void {
    this.#have += this.#weight(piece);
  }

  lost(piece: number): void {
    this.#have -= this.#weight(piece);
  }

  #weight(piece: number): number {
    return this.#wanted === undefined || this.#wanted.has(piece) ? pieceSize(this.#metainfo, piece) : 0;
  }
}

function bytesOf(metainfo: Metainfo, pieces: Bitfield): number {
  let bytes = 0;
  for (const piece of pieces) bytes += pieceSize(metainfo, piece);
  return bytes;
}
