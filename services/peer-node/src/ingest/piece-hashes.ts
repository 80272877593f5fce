import { createHash, type Hash } from 'node:crypto';

/** The SHA-1 of every piece of a content whose bytes stream by (BEP 3). Takes 20 bytes a piece, and no copy. */
export class PieceHashes {
  readonly pieceLength: number;
  readonly #digests: Buffer[] = [];
  #hash: Hash = createHash('sha1');
  #filled = 0;

  constructor(pieceLength: number) {
    this.pieceLength = pieceLength;
  }

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(bytes.length - at, this.pieceLength - this.#filled);
      this.#hash.update(bytes.subarray(at, at + count));
      this.#filled += count;
      at += count;
      if (this.#filled === this.pieceLength) this.#next();
    }
  }

  /** All of them, 20 bytes each; nothing can be added then. */
  finish(): Uint8Array {
    if (this.#filled > 0) this.#next();
    return Buffer.concat(this.#digests);
  }

  #next(): void {
    this.#digests.push(this.#hash.digest());
    this.#hash = createHash('sha1');
    this.#filled = 0;
  }
}
