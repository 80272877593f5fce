import {
  type InfoHash,
  type Logger,
  printable,
  type Random,
  type Timer,
  type Timers,
} from '@pixtorrent/core';
import type { CatalogChange, CatalogEntry, CatalogQuery, CatalogStore } from '../catalog-store.ts';
import { orderKey } from '../entry-order.ts';
import { type CopiedEntry, Copy, type CopyChange } from './copy.ts';
import { pageOf } from './page-of.ts';

export interface CachedCatalogDependencies {
  /** May be away for a while. It is not closed with this. */
  readonly store: Pick<CatalogStore, 'list' | 'watch' | 'wereRemoved'>;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
}

export interface CachedCatalogOptions {
  /**
   * Versions that are kept; what is beyond is left out.
   * @default 1,000,000
   */
  readonly maxEntries?: number;
  /**
   * Entries that are read at a time, at most 1,000.
   * @default 500
   */
  readonly pageSize?: number;
  /**
   * Milliseconds before the first attempt to read again; doubles with each that fails.
   * @default 100
   */
  readonly shortestPause?: number;
  /** @default 10,000 */
  readonly longestPause?: number;
}

/** What has changed since a reading of the store began: newer than what it reads. */
interface Meanwhile {
  readonly published: Set<string>;
  readonly removed: Set<string>;
}

/**
 * Every version of every name in memory, without the torrents' bytes, as it is in the store: read once, then followed,
 * and read again whenever changes may have been missed. It can be asked while the store is away.
 */
export class CachedCatalog {
  readonly #store: CachedCatalogDependencies['store'];
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #options: Required<CachedCatalogOptions>;
  readonly #copy: Copy;
  readonly #unwatch: () => void;
  readonly #firstRead = Promise.withResolvers<void>();
  #meanwhile: Meanwhile | undefined;
  #state: 'resting' | 'reading' | 'reading, and again' | 'pausing' = 'resting';
  #ready = false;
  #failures = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor(dependencies: CachedCatalogDependencies, options: CachedCatalogOptions = {}) {
    this.#store = dependencies.store;
    this.#timers = dependencies.timers;
    this.#random = dependencies.random;
    this.#logger = dependencies.logger;
    this.#options = {
      maxEntries: options.maxEntries ?? 1_000_000,
      pageSize: Math.min(1000, options.pageSize ?? 500),
      shortestPause: options.shortestPause ?? 100,
      longestPause: options.longestPause ?? 10_000,
    };
    this.#copy = new Copy(this.#options.maxEntries);
    this.#unwatch = this.#store.watch((change) => this.#hear(change));
    this.#read();
  }

  /** Whether everything has been read once. What is known may have become old since, where the store is away. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Fulfilled when `ready` is true, or this is closed. */
  whenReady(): Promise<void> {
    return this.#firstRead.promise;
  }

  /** Whether the last reading failed, or none has ended yet: what is told may be old. */
  get stale(): boolean {
    return !this.#ready || this.#failures > 0;
  }

  /** False where the store has more than is kept here. */
  get complete(): boolean {
    return this.#copy.complete;
  }

  /** Versions that are known. */
  get size(): number {
    return this.#copy.size;
  }

  /** What is known of a torrent; undefined where it is in no version of any name. */
  has(infoHash: InfoHash): { readonly private: boolean } | undefined {
    return this.#copy.has(infoHash);
  }

  /** Everything that is known. An iterator goes on through what comes meanwhile, and past what goes. */
  entries(): IterableIterator<CopiedEntry> {
    return this.#copy.entries();
  }

  /** As the store's, of what is known. The first after a change puts everything in order: some 1 µs an entry. */
  list(query: CatalogQuery): CatalogEntry[] {
    return pageOf(this.#copy.sorted(), query);
  }

  /** Has `listener`, which does not throw, hear of each change of what is known. @returns what ends it */
  follow(listener: (change: CopyChange) => void): () => void {
    return this.#copy.follow(listener);
  }

  close(): void {
    this.#closed = true;
    this.#unwatch();
    this.#timer?.cancel();
    this.#firstRead.resolve();
  }

  #hear(change: CatalogChange): void {
    if (this.#closed) return;
    if (change.type === 'lost') this.#readAgain();
    else if (change.type === 'published') this.#add(change.entry);
    else {
      const key = orderKey(change.entry);
      this.#meanwhile?.removed.add(key);
      this.#copy.delete(key, change.entry, 'removed');
    }
  }

  #add(entry: CatalogEntry): void {
    const key = orderKey(entry);
    this.#meanwhile?.published.add(key);
    if (!this.#copy.put(key, entry) && this.#state === 'resting') this.#pauseForRoom();
  }

  /** resting -> reading; reading -> reading, and again. A pause ends as it would. */
  #readAgain(): void {
    if (this.#state === 'resting') this.#read();
    else if (this.#state === 'reading') this.#state = 'reading, and again';
  }

  /** resting | pausing -> reading -> resting | pausing */
  #read(): void {
    this.#timer?.cancel();
    this.#state = 'reading';
    this.#meanwhile = { published: new Set(), removed: new Set() };
    this.#readAll(this.#meanwhile).then(
      () => this.#hasRead(),
      (error: unknown) => this.#hasFailed(error),
    );
  }

  #hasRead(): void {
    if (this.#closed) return;
    const again = this.#state === 'reading, and again';
    if (this.#failures > 0) this.#logger.info('the catalogue is readable again');
    this.#failures = 0;
    this.#meanwhile = undefined;
    this.#state = 'resting';
    this.#ready = true;
    this.#firstRead.resolve();
    if (again) this.#read();
    else if (!this.complete) this.#pauseForRoom();
  }

  #hasFailed(error: unknown): void {
    if (this.#closed) return;
    if (this.#failures === 0)
      this.#logger.warn('the catalogue cannot be read', { reason: printable(String(error)) });
    const { shortestPause, longestPause } = this.#options;
    const pause = Math.min(longestPause, shortestPause * 2 ** Math.min(this.#failures, 20));
    this.#failures++;
    this.#meanwhile = undefined;
    // By chance up to half less, so that many replicas do not come back in step.
    this.#pause(pause - this.#random.below(Math.ceil(pause / 2)));
  }

  /** resting -> pausing: what was left out can only be found by reading. */
  #pauseForRoom(): void {
    this.#logger.error('the catalogue is larger than what is kept of it', { kept: this.size });
    this.#pause(this.#options.longestPause);
  }

  /** -> pausing -> reading */
  #pause(milliseconds: number): void {
    this.#state = 'pausing';
    this.#timer = this.#timers.after(milliseconds, () => this.#read());
  }

  /** Takes over what the store lists, except where a change has told more since. */
  async #readAll(meanwhile: Meanwhile): Promise<void> {
    const { pageSize } = this.#options;
    const listed = new Set<string>();
    let left = 0;
    let after: CatalogEntry | undefined;
    for (;;) {
      const page = await this.#store.list({ allVersions: true, limit: pageSize, ...(after && { after }) });
      if (this.#closed) return;
      for (const entry of page) {
        const key = orderKey(entry);
        if (listed.size < this.#options.maxEntries) listed.add(key);
        if (!meanwhile.removed.has(key) && !this.#copy.put(key, entry)) left++;
      }
      if (page.length < pageSize) break;
      after = page.at(-1)!;
    }
    const isMissing = (key: string) => !listed.has(key) && !meanwhile.published.has(key);
    const missing = [...this.#copy.entries()]
      .map(({ entry }) => entry)
      .filter((entry) => isMissing(orderKey(entry)));
    for (let i = 0; i < missing.length; i += pageSize) {
      const page = missing.slice(i, i + pageSize);
      const removed = await this.#store.wereRemoved(page);
      if (this.#closed) return;
      for (const [j, entry] of page.entries()) {
        const key = orderKey(entry);
        if (isMissing(key)) this.#copy.delete(key, entry, removed[j] ? 'removed' : 'lost');
      }
    }
    this.#copy.complete = left === 0;
  }
}
