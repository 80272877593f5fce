import { type Logger, printable, type Timers } from '@pixtorrent/core';
import { ChangeFeed, runScript } from '@pixtorrent/redis';
import type { Cluster, Redis } from 'ioredis';
import { type CatalogLimits, withDefaults } from '../../catalog-limits.ts';
import type {
  CatalogChange,
  CatalogDraft,
  CatalogEntry,
  CatalogQuery,
  CatalogStore,
  LostEntry,
  Removal,
  RemovedVersion,
} from '../../catalog-store.ts';
import { hasLabels } from '../../draft/labels.ts';
import { type EntryPlace, orderKey, placeOf } from '../../entry-order.ts';
import { CatalogError } from '../../errors.ts';
import { pageLimit } from '../page-limit.ts';
import { closed, type Lack, noRoomFor } from '../refusals.ts';
import { feedChannel, KEYS, TORRENT_PREFIX } from './keys.ts';
import { FIND, LIST, PUBLISH, REMOVALS, REMOVE, RESTORE, RESTORE_REMOVAL, type Script } from './scripts.ts';
import { decodeEntry, encodeDraft } from './stored-entry.ts';

export interface RedisCatalogStoreDependencies {
  /**
   * Redis 7 or later. It is not closed with the store. How long it waits is how long the store waits: it has a
   * `commandTimeout` and no offline queue; a cluster's has `shardedSubscribers`.
   */
  readonly client: Redis | Cluster;
  readonly timers: Timers;
  readonly logger: Logger;
}

export interface RedisCatalogStoreOptions extends CatalogLimits {
  /**
   * Milliseconds between looks for changes that were lost on their way; one is found within two.
   * @default 5,000
   */
  readonly checkInterval?: number;
}

/** Entries that are read in one step: Redis does nothing else meanwhile. */
const STEP = 500;
/** How often the newest version may go away while its torrent is fetched. */
const FETCHES = 3;

/** The catalogue in Redis, for all who use the same. */
export class RedisCatalogStore implements CatalogStore {
  readonly #dependencies: RedisCatalogStoreDependencies;
  readonly #client: Redis | Cluster;
  readonly #limits: Required<CatalogLimits>;
  readonly #checkInterval: number;
  readonly #channel: string;
  readonly #listeners = new Set<(change: CatalogChange) => void>();
  #feed: ChangeFeed | undefined;
  #closed = false;

  constructor(dependencies: RedisCatalogStoreDependencies, options: RedisCatalogStoreOptions = {}) {
    this.#dependencies = dependencies;
    this.#client = dependencies.client;
    this.#limits = withDefaults(options);
    this.#checkInterval = options.checkInterval ?? 5000;
    this.#channel = feedChannel(databaseOf(dependencies.client));
  }

  async publish(draft: CatalogDraft, afterVersion = 0): Promise<CatalogEntry> {
    const { name, torrent } = draft;
    const args = [encodeDraft(draft), bufferOf(torrent), afterVersion, ...this.#room()];
    const [lack, key, value] = await this.#change(PUBLISH, name, args);
    if (lack !== '') throw noRoomFor(lack as Lack, name);
    return decodeEntry(key!, value!);
  }

  async get(
    name: string,
    version?: number,
  ): Promise<{ entry: CatalogEntry; torrent: Uint8Array } | undefined> {
    for (let fetches = 0; fetches < FETCHES; fetches++) {
      const [key, value] = await this.#run(FIND, [name, digitsOf(version)]);
      if (key === undefined) return undefined;
      const torrent = await this.#ask(() => this.#client.getBuffer(TORRENT_PREFIX + key));
      if (torrent !== null) return { entry: decodeEntry(key, value!), torrent };
    }
    return undefined;
  }

  async list(query: CatalogQuery): Promise<CatalogEntry[]> {
    const { labels = {}, allVersions = false } = query;
    const limit = pageLimit(query);
    const found: CatalogEntry[] = [];
    let after = query.after;
    for (;;) {
      const most = Math.min(STEP, Object.keys(labels).length > 0 ? STEP : limit - found.length);
      const step = await this.#step(allVersions, after, most);
      for (const entry of step)
        if (found.length < limit && hasLabels(entry.labels, labels)) found.push(entry);
      if (found.length >= limit || step.length < most) return found;
      after = step.at(-1)!;
    }
  }

  async remove(name: string, version?: number): Promise<CatalogEntry[]> {
    return entriesOf(await this.#change(REMOVE, name, [digitsOf(version)]));
  }

  async restore(lost: LostEntry): Promise<boolean> {
    const { name, version, published, torrent } = lost;
    const args = [digitsOf(version), published, encodeDraft(lost), bufferOf(torrent), ...this.#room()];
    const [result] = await this.#change(RESTORE, name, args);
    if (result !== '' && result !== 'gone') throw noRoomFor(result as Lack, name);
    return result === '';
  }

  async restoreRemoval({ name, version, published }: RemovedVersion): Promise<void> {
    await this.#change(RESTORE_REMOVAL, name, [digitsOf(version), published]);
  }

  async removals(after: number, limit: number): Promise<Removal[]> {
    const flat = await this.#run(REMOVALS, [after, limit]);
    const found: Removal[] = [];
    for (let i = 0; i < flat.length; i += 3)
      found.push({ ...placeOf(flat[i]!), published: Number(flat[i + 1]), rank: Number(flat[i + 2]) });
    return found;
  }

  async wereRemoved(versions: readonly RemovedVersion[]): Promise<boolean[]> {
    if (versions.length === 0) return [];
    const removed = await this.#ask(() => this.#client.hmget(KEYS.removed, ...versions.map(orderKey)));
    return versions.map(({ published }, i) => Number(removed[i] ?? -1) >= published);
  }

  watch(listener: (change: CatalogChange) => void): () => void {
    if (this.#closed) return () => {};
    // Of its own, so that the same function can watch twice.
    const own = (change: CatalogChange): void => listener(change);
    this.#listeners.add(own);
    this.#feed ??= new ChangeFeed(
      this.#dependencies,
      {
        channel: this.#channel,
        count: async () => Number((await this.#client.get(KEYS.changes)) ?? 0),
        checkInterval: this.#checkInterval,
      },
      {
        changed: (change) => this.#tell(decodeChange(change)),
        lost: () => this.#tell({ type: 'lost' }),
      },
    );
    return () => this.#listeners.delete(own);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    this.#feed?.close();
  }

  async #step(allVersions: boolean, after: EntryPlace | undefined, most: number): Promise<CatalogEntry[]> {
    const from = after === undefined ? '-' : `(${allVersions ? orderKey(after) : after.name}`;
    return entriesOf(await this.#run(LIST, [allVersions ? 'all' : 'newest', from, most]));
  }

  #tell(change: CatalogChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #room(): number[] {
    const { maxNames, maxVersions, maxTorrentBytes } = this.#limits;
    return [maxNames, maxVersions, maxTorrentBytes];
  }

  #change(script: Script, name: string, args: readonly (string | number | Buffer)[]): Promise<string[]> {
    return this.#run(script, [this.#channel, TORRENT_PREFIX, this.#limits.maxRemoved, name, ...args]);
  }

  /** @returns what a script answers, which is texts */
  #run(script: Script, args: readonly (string | number | Buffer)[]): Promise<string[]> {
    return this.#ask(async () => (await runScript(this.#client, script, KEYS, args)) as string[]);
  }

  /** @throws CatalogError where Redis does not do it */
  async #ask<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw closed();
    try {
      return await work();
    } catch (error) {
      const reason = printable(error instanceof Error ? error.message : String(error));
      if (reason.startsWith('OOM'))
        throw new CatalogError('full', 'the store of the catalogue is out of memory', [], { cause: error });
      throw new CatalogError('unavailable', `the store of the catalogue does not answer: ${reason}`, [], {
        cause: error,
      });
    }
  }
}

function databaseOf(client: Redis | Cluster): number {
  return client.isCluster ? 0 : ((client as Redis).options.db ?? 0);
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function digitsOf(version: number | undefined): string {
  return version === undefined ? '' : String(version).padStart(10, '0');
}

function entriesOf(flat: readonly string[]): CatalogEntry[] {
  const entries: CatalogEntry[] = [];
  for (let i = 0; i < flat.length; i += 2) entries.push(decodeEntry(flat[i]!, flat[i + 1]!));
  return entries;
}

/** @param change `+` or `-`, order key, line feed, entry */
function decodeChange(change: string): CatalogChange {
  try {
    const end = change.indexOf('\n');
    const entry = decodeEntry(change.slice(1, end), change.slice(end + 1));
    return { type: change.startsWith('+') ? 'published' : 'removed', entry };
  } catch {
    // Somebody else uses the channel: what is in the store counts.
    return { type: 'lost' };
  }
}
