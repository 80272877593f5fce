import type { Removal, RemovedVersion } from '../catalog-store.ts';
import { orderKey } from '../entry-order.ts';

/** Versions that were removed, the last `most` of them. */
export class Removals {
  readonly #most: number;
  /** By order key, in the order of ranks. */
  readonly #removals = new Map<string, Removal>();
  #ranks = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add({ name, version, published }: RemovedVersion): void {
    const key = orderKey({ name, version });
    if (this.has({ name, version, published })) return;
    this.#removals.delete(key);
    this.#removals.set(key, { name, version, published, rank: ++this.#ranks });
    if (this.#removals.size > this.#most) this.#removals.delete(this.#removals.keys().next().value!);
  }

  has(version: RemovedVersion): boolean {
    return (this.#removals.get(orderKey(version))?.published ?? -1) >= version.published;
  }

  after(rank: number, limit: number): Removal[] {
    const found: Removal[] = [];
    for (const removal of this.#removals.values()) {
      if (found.length === limit) break;
      if (removal.rank > rank) found.push(removal);
    }
    return found;
  }
}
