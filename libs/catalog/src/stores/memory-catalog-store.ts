import { type Clock, sameBytes } from '@pixtorrent/core';
import { type CatalogLimits, withDefaults } from '../catalog-limits.ts';
import type {
  CatalogChange,
  CatalogDraft,
  CatalogEntry,
  CatalogQuery,
  CatalogStore,
  Labels,
} from '../catalog-store.ts';
import { hasLabels } from '../draft/labels.ts';
import { pageLimit } from './page-limit.ts';
import { closed, noRoomFor } from './refusals.ts';
import { SortedNames } from './sorted-names.ts';
import { VersionNumbers } from './version-numbers.ts';

export interface MemoryCatalogStoreDependencies {
  /** Tells milliseconds since 1970. */
  readonly wallClock: Clock;
}

interface Version {
  readonly entry: CatalogEntry;
  readonly torrent: Uint8Array;
}

/** The catalogue in the memory of this process; it goes with it. */
export class MemoryCatalogStore implements CatalogStore {
  readonly #wallClock: Clock;
  readonly #limits: Required<CatalogLimits>;
  /** Of each name its versions, oldest first, at least one. */
  readonly #versions = new Map<string, Version[]>();
  readonly #names = new SortedNames();
  readonly #numbers: VersionNumbers;
  readonly #listeners = new Set<(change: CatalogChange) => void>();
  #torrentBytes = 0;
  #closed = false;

  constructor({ wallClock }: MemoryCatalogStoreDependencies, limits: CatalogLimits = {}) {
    this.#wallClock = wallClock;
    this.#limits = withDefaults(limits);
    this.#numbers = new VersionNumbers(this.#limits.maxRemoved);
  }

  async publish(draft: CatalogDraft): Promise<CatalogEntry> {
    this.#checkOpen();
    const { torrent, ...rest } = draft;
    const { name } = draft;
    const versions = this.#versions.get(name);
    const newest = versions?.at(-1)?.entry;
    if (newest !== undefined && saysTheSame(newest, draft)) return newest;
    this.#checkRoom(name, versions, torrent.length);
    const labels = Object.freeze({ ...draft.labels });
    const published = Math.floor(this.#wallClock.now());
    const entry: CatalogEntry = Object.freeze({
      ...rest,
      labels,
      version: this.#numbers.next(name),
      published,
    });
    if (versions === undefined) {
      this.#names.add(name);
      this.#versions.set(name, []);
    }
    this.#versions.get(name)!.push({ entry, torrent: Uint8Array.from(torrent) });
    this.#torrentBytes += torrent.length;
    this.#tell({ type: 'published', entry });
    return entry;
  }

  async get(name: string, version?: number): Promise<Version | undefined> {
    this.#checkOpen();
    const versions = this.#versions.get(name);
    if (version === undefined) return versions?.at(-1);
    return versions?.find(({ entry }) => entry.version === version);
  }

  async list(query: CatalogQuery): Promise<CatalogEntry[]> {
    this.#checkOpen();
    const { labels = {}, allVersions = false, after } = query;
    const limit = pageLimit(query);
    const found: CatalogEntry[] = [];
    const first = after === undefined ? 0 : this.#names.indexFrom(after.name);
    for (let i = first; i < this.#names.size && found.length < limit; i++) {
      const name = this.#names.at(i);
      const versions = this.#versions.get(name)!;
      const wanted = allVersions ? versions : versions.slice(-1);
      for (const { entry } of wanted) {
        if (name === after?.name && (!allVersions || entry.version <= after.version)) continue;
        if (found.length < limit && hasLabels(entry.labels, labels)) found.push(entry);
      }
    }
    return found;
  }

  async remove(name: string, version?: number): Promise<CatalogEntry[]> {
    this.#checkOpen();
    const versions = this.#versions.get(name) ?? [];
    const goes = ({ entry }: Version): boolean => version === undefined || entry.version === version;
    const gone = versions.filter(goes);
    const kept = versions.filter((one) => !goes(one));
    if (gone.length === 0) return [];
    if (kept.length > 0) this.#versions.set(name, kept);
    else {
      this.#versions.delete(name);
      this.#names.delete(name);
      this.#numbers.retire(name);
    }
    for (const { entry, torrent } of gone) {
      this.#torrentBytes -= torrent.length;
      this.#tell({ type: 'removed', entry });
    }
    return gone.map(({ entry }) => entry);
  }

  watch(listener: (change: CatalogChange) => void): () => void {
    // Of its own, so that the same function can watch twice.
    const own = (change: CatalogChange): void => listener(change);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
  }

  #checkOpen(): void {
    if (this.#closed) throw closed();
  }

  #checkRoom(name: string, versions: readonly Version[] | undefined, bytes: number): void {
    const { maxNames, maxVersions, maxTorrentBytes } = this.#limits;
    if (versions === undefined && this.#versions.size >= maxNames) throw noRoomFor('names', name);
    if (versions !== undefined && versions.length >= maxVersions) throw noRoomFor('versions', name);
    if (this.#torrentBytes + bytes > maxTorrentBytes) throw noRoomFor('bytes', name);
  }

  #tell(change: CatalogChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function saysTheSame(entry: CatalogEntry, draft: CatalogDraft): boolean {
  return (
    sameBytes(entry.infoHash, draft.infoHash) &&
    entry.replicas === draft.replicas &&
    sameLabels(entry.labels, draft.labels)
  );
}

function sameLabels(a: Labels, b: Labels): boolean {
  return Object.keys(a).length === Object.keys(b).length && hasLabels(a, b);
}
