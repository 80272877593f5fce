import { type Clock, sameBytes } from '@pixtorrent/core';
import { type CatalogLimits, withDefaults } from '../catalog-limits.ts';
import type {
  CatalogChange,
  CatalogDraft,
  CatalogEntry,
  CatalogQuery,
  CatalogStore,
  Labels,
  LostEntry,
  Removal,
  RemovedVersion,
} from '../catalog-store.ts';
import { hasLabels } from '../draft/labels.ts';
import { pageLimit } from './page-limit.ts';
import { closed, noRoomFor } from './refusals.ts';
import { Removals } from './removals.ts';
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
  readonly #removals: Removals;
  readonly #listeners = new Set<(change: CatalogChange) => void>();
  #torrentBytes = 0;
  #closed = false;

  constructor({ wallClock }: MemoryCatalogStoreDependencies, limits: CatalogLimits = {}) {
    this.#wallClock = wallClock;
    this.#limits = withDefaults(limits);
    this.#numbers = new VersionNumbers(this.#limits.maxRemoved);
    this.#removals = new Removals(this.#limits.maxRemoved);
  }

  async publish(draft: CatalogDraft, afterVersion = 0): Promise<CatalogEntry> {
    this.#checkOpen();
    const { name } = draft;
    const versions = this.#versions.get(name) ?? [];
    const newest = versions.at(-1)?.entry;
    if (newest !== undefined && saysTheSame(newest, draft)) return newest;
    this.#checkRoom(name, versions.length, draft.torrent.length);
    const now = Math.floor(this.#wallClock.now());
    const published = Math.max(now, (newest?.published ?? 0) + 1);
    return this.#put({ ...draft, version: this.#numbers.next(name, afterVersion), published });
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
    const goes = ({ entry }: Version): boolean => version === undefined || entry.version === version;
    return this.#drop(name, goes).map(({ entry }) => entry);
  }

  async restore(lost: LostEntry): Promise<boolean> {
    this.#checkOpen();
    const { name, version, published, torrent } = lost;
    if (this.#removals.has(lost)) return false;
    const versions = this.#versions.get(name) ?? [];
    if (versions.some(({ entry }) => entry.version === version && entry.published === published)) return true;
    if (versions.some(({ entry }) => entry.version <= version && entry.published > published)) {
      this.#removals.add(lost);
      this.#numbers.used(name, version);
      return false;
    }
    const goes = ({ entry }: Version): boolean => entry.version >= version && entry.published < published;
    const going = versions.filter(goes);
    const freed = going.reduce((sum, one) => sum + one.torrent.length, 0);
    this.#checkRoom(name, versions.length, torrent.length - freed, going.length);
    this.#drop(name, goes);
    this.#put(lost);
    return true;
  }

  async restoreRemoval(removed: RemovedVersion): Promise<void> {
    this.#checkOpen();
    const { name, version, published } = removed;
    this.#removals.add(removed);
    this.#numbers.used(name, version);
    this.#drop(name, ({ entry }) => entry.version === version && entry.published <= published);
    if (!this.#versions.has(name)) this.#numbers.retire(name);
  }

  async removals(after: number, limit: number): Promise<Removal[]> {
    this.#checkOpen();
    return this.#removals.after(after, limit);
  }

  async wereRemoved(versions: readonly RemovedVersion[]): Promise<boolean[]> {
    this.#checkOpen();
    return versions.map((version) => this.#removals.has(version));
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

  /** @param going versions of the name that make room */
  #checkRoom(name: string, versions: number, bytes: number, going = 0): void {
    const { maxNames, maxVersions, maxTorrentBytes } = this.#limits;
    if (versions === 0 && this.#versions.size >= maxNames) throw noRoomFor('names', name);
    if (versions - going >= maxVersions) throw noRoomFor('versions', name);
    if (this.#torrentBytes + bytes > maxTorrentBytes) throw noRoomFor('bytes', name);
  }

  #put({ torrent, ...given }: LostEntry): CatalogEntry {
    const { name, version } = given;
    const entry: CatalogEntry = Object.freeze({ ...given, labels: Object.freeze({ ...given.labels }) });
    const versions = this.#versions.get(name) ?? [];
    if (versions.length === 0) this.#names.add(name);
    const place = versions.findIndex((other) => other.entry.version > version);
    versions.splice(place < 0 ? versions.length : place, 0, { entry, torrent: Uint8Array.from(torrent) });
    this.#versions.set(name, versions);
    this.#numbers.used(name, version);
    this.#numbers.unretire(name);
    this.#torrentBytes += torrent.length;
    this.#tell({ type: 'published', entry });
    return entry;
  }

  #drop(name: string, goes: (version: Version) => boolean): Version[] {
    const versions = this.#versions.get(name) ?? [];
    const gone = versions.filter(goes);
    if (gone.length === 0) return gone;
    const kept = versions.filter((one) => !goes(one));
    if (kept.length > 0) this.#versions.set(name, kept);
    else {
      this.#versions.delete(name);
      this.#names.delete(name);
      this.#numbers.retire(name);
    }
    for (const { entry, torrent } of gone) {
      this.#torrentBytes -= torrent.length;
      this.#removals.add(entry);
      this.#tell({ type: 'removed', entry });
    }
    return gone;
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
