import { type InfoHash, sameBytes } from '@pixtorrent/core';
import type { CatalogEntry } from '../catalog-store.ts';

/** An entry, and where it stands in the order in which this process has come to know them. */
export interface CopiedEntry {
  readonly entry: CatalogEntry;
  /** Greater than that of every entry that was known before. */
  readonly rank: number;
}

export type CopyChange =
  /** `lost`: the store has it no more, although nobody has removed it. */
  | ({ readonly type: 'published' | 'removed' | 'lost' } & CopiedEntry)
  /** There was no room for it. */
  | { readonly type: 'left-out'; readonly entry: CatalogEntry };

interface KnownTorrent {
  readonly facts: { readonly private: boolean };
  versions: number;
}

/** Entries by their order keys and by their info hashes. */
export class Copy {
  /** False where something had to be left out. */
  complete = true;
  readonly #maxEntries: number;
  readonly #entries = new Map<string, CopiedEntry>();
  readonly #torrents = new Map<string, KnownTorrent>();
  readonly #listeners = new Set<(change: CopyChange) => void>();
  #sorted: readonly CatalogEntry[] | undefined;
  #ranks = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(infoHash: InfoHash): { readonly private: boolean } | undefined {
    return this.#torrents.get(textOf(infoHash))?.facts;
  }

  /** In the order of their ranks. */
  entries(): IterableIterator<CopiedEntry> {
    return this.#entries.values();
  }

  /** By their order keys. */
  sorted(): readonly CatalogEntry[] {
    this.#sorted ??= [...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { entry }]) => entry);
    return this.#sorted;
  }

  follow(listener: (change: CopyChange) => void): () => void {
    // Of its own, so that the same function can follow twice.
    const own = (change: CopyChange): void => listener(change);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** @returns whether it is known now: there may be no room */
  put(key: string, entry: CatalogEntry): boolean {
    const known = this.#entries.get(key);
    if (known !== undefined && isSame(known.entry, entry)) return true;
    // A store that was emptied gives the same numbers again.
    if (known !== undefined) this.delete(key, known.entry, 'lost');
    if (this.#entries.size >= this.#maxEntries) {
      this.complete = false;
      this.#tell({ type: 'left-out', entry });
      return false;
    }
    const copied = { entry, rank: ++this.#ranks };
    this.#entries.set(key, copied);
    const hash = textOf(entry.infoHash);
    const torrent = this.#torrents.get(hash);
    if (torrent === undefined) this.#torrents.set(hash, { facts: { private: entry.private }, versions: 1 });
    else torrent.versions++;
    this.#tell({ type: 'published', ...copied });
    return true;
  }

  /** Lets go of `entry`, unless another has its place by now. */
  delete(key: string, entry: CatalogEntry, type: 'removed' | 'lost'): void {
    const known = this.#entries.get(key);
    if (known === undefined || !isSame(known.entry, entry)) return;
    this.#entries.delete(key);
    const hash = textOf(known.entry.infoHash);
    const torrent = this.#torrents.get(hash)!;
    if (--torrent.versions === 0) this.#torrents.delete(hash);
    this.#tell({ type, ...known });
  }

  #tell(change: CopyChange): void {
    this.#sorted = undefined;
    for (const listener of this.#listeners) listener(change);
  }
}

function isSame(a: CatalogEntry, b: CatalogEntry): boolean {
  return a.published === b.published && sameBytes(a.infoHash, b.infoHash);
}

function textOf(infoHash: InfoHash): string {
  return Buffer.from(infoHash.buffer, infoHash.byteOffset, infoHash.byteLength).toString('latin1');
}
