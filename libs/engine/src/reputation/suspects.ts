/** Bad pieces whose senders are not found out yet; the oldest is forgotten first. */
const MAX_SUSPECTS = 64;

interface BadCopy {
  /** Digest of each block as it was in the bad copy. */
  readonly digests: readonly string[];
  /** Serial of the peer that gave each block. */
  readonly sources: Int32Array;
}

/**
 * Finds out who sent a bad block when several peers had a part in the piece: the digests of the bad copy's blocks
 * are kept, and compared with those of the good copy once it is here.
 */
export class Suspects {
  readonly #copies = new Map<number, BadCopy[]>();

  has(piece: number): boolean {
    return this.#copies.has(piece);
  }

  remember(piece: number, sources: Int32Array, digests: readonly string[]): void {
    const copies = this.#copies.get(piece) ?? [];
    copies.push({ sources, digests });
    if (copies.length > 4) copies.shift();
    this.#copies.delete(piece);
    this.#copies.set(piece, copies);
    if (this.#copies.size > MAX_SUSPECTS) this.#copies.delete(this.#copies.keys().next().value!);
  }

  /** Serials of those whose blocks differ from the good copy's; the piece is then forgotten. */
  convict(piece: number, good: readonly string[]): Set<number> {
    const guilty = new Set<number>();
    for (const { digests, sources } of this.#copies.get(piece) ?? []) {
      for (let block = 0; block < sources.length; block++) {
        if (digests[block] !== good[block]) guilty.add(sources[block]!);
      }
    }
    this.#copies.delete(piece);
    return guilty;
  }
}
