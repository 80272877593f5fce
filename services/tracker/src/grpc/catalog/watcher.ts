import type { ServerWritableStream } from '@grpc/grpc-js';
import {
  type CachedCatalog,
  type CatalogEntry,
  type CatalogStore,
  type CopyChange,
  hasLabels,
  type Labels,
} from '@pixtorrent/catalog';
import type { catalog as wire } from '@pixtorrent/contracts';
import { sameBytes, type Timers } from '@pixtorrent/core';
import { type ErrorMapper, StatusError, ToldCall } from '@pixtorrent/service-kit';
import { lostEvent, publishedEvent, removalEvent, removedEvent, SYNCED } from './catalog-messages.ts';

export interface WatcherDependencies {
  readonly call: ServerWritableStream<wire.WatchRequest, wire.WatchResponse>;
  readonly catalog: CachedCatalog;
  /** Gives the torrents' bytes. */
  readonly store: Pick<CatalogStore, 'get' | 'removals'>;
  readonly timers: Timers;
  readonly mapError: ErrorMapper;
}

export interface WatcherOptions {
  /** Only entries that have all of these. */
  readonly labels: Labels;
  readonly torrents: boolean;
  /** What was removed before, too. */
  readonly removals: boolean;
  /** Changes that wait to be sent. */
  readonly maxQueued: number;
  /** Milliseconds for which the client may read nothing of what is sent. */
  readonly maxStall: number;
  /** Milliseconds to wait for the catalogue to be known at all. */
  readonly maxWait: number;
}

type Told =
  | { readonly type: 'published' | 'removed' | 'lost'; readonly entry: CatalogEntry }
  | { readonly type: 'synced' };

/** Milliseconds after which it is worth watching again. */
const PAUSE = 1000;
const FASTER = 'changes come faster than they are read here: watch again';
/** Removals that are asked of the store at a time. */
const REMOVALS_STEP = 500;

/**
 * One call of Watch. What is there is read from the shared copy at the client's own pace, one message at a time and with
 * at most one torrent in memory; changes wait in a queue. Entries have ranks in the order in which the copy came to know
 * them and is read in, so that what was told already and what is still to be read are told apart by a number.
 */
export class Watcher {
  readonly #dependencies: WatcherDependencies;
  readonly #options: WatcherOptions;
  readonly #call: ToldCall<wire.WatchResponse>;
  readonly #queue: Told[] = [];
  #head = 0;
  /** Rank of the last entry that was read from the copy; infinite when all have been. */
  #read = 0;
  /** Ends the wait for a change. */
  #wake: () => void = () => {};

  constructor(dependencies: WatcherDependencies, options: WatcherOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#call = new ToldCall(dependencies, options.maxStall);
  }

  /** Changes that wait to be sent. */
  get queued(): number {
    return this.#queue.length - this.#head;
  }

  /** Whether it was ended because the client did not keep up. */
  get slow(): boolean {
    return this.#call.slow;
  }

  async run(): Promise<void> {
    const unfollow = this.#dependencies.catalog.follow((change) => this.#note(change));
    await this.#call.run(() => this.#tellOn());
    unfollow();
  }

  end(error: unknown): void {
    this.#call.end(error);
  }

  async #tellOn(): Promise<void> {
    await this.#waitForCatalog();
    if (this.#options.removals) await this.#tellRemovals();
    await this.#tellAll();
    while (!this.#call.over) {
      await this.#tellQueued();
      if (!this.#call.over && this.queued === 0) await this.#call.pause((done) => this.#waitForChange(done));
    }
  }

  async #waitForCatalog(): Promise<void> {
    const { catalog, timers } = this.#dependencies;
    if (!catalog.ready && !this.#call.over) {
      await this.#call.pause((done) => {
        catalog.whenReady().then(done);
        return timers.after(this.#options.maxWait, done);
      });
    }
    if (!catalog.ready)
      throw new StatusError('UNAVAILABLE', 'the catalogue is not known here yet', { retryAfter: PAUSE });
    if (!catalog.complete) throw tooLarge();
  }

  async #tellRemovals(): Promise<void> {
    for (let after = 0; !this.#call.over; ) {
      const page = await this.#dependencies.store.removals(after, REMOVALS_STEP);
      for (const removal of page) await this.#call.write(removalEvent(removal));
      if (page.length < REMOVALS_STEP) return;
      after = page.at(-1)!.rank;
    }
  }

  async #tellAll(): Promise<void> {
    for (const { entry, rank } of this.#dependencies.catalog.entries()) {
      this.#read = rank;
      if (!this.#wants(entry)) continue;
      await this.#tellQueued();
      if (this.#call.over) return;
      await this.#tell({ type: 'published', entry });
    }
    this.#read = Number.POSITIVE_INFINITY;
    this.#add({ type: 'synced' });
  }

  #note(change: CopyChange): void {
    if (this.#call.over || !this.#wants(change.entry)) return;
    if (change.type === 'left-out') this.end(tooLarge());
    else if (change.rank <= this.#read) this.#add(change);
    // Else the copy is still to be read up to there: what came will be found, and what went will not.
  }

  #wants(entry: CatalogEntry): boolean {
    return hasLabels(entry.labels, this.#options.labels);
  }

  #add(told: Told): void {
    if (this.queued >= this.#options.maxQueued) this.#call.endSlow(FASTER);
    else {
      this.#queue.push(told);
      this.#wake();
    }
  }

  async #tellQueued(): Promise<void> {
    while (!this.#call.over && this.#head < this.#queue.length) {
      const told = this.#queue[this.#head++]!;
      if (this.#head === this.#queue.length) {
        this.#queue.length = 0;
        this.#head = 0;
      }
      await this.#tell(told);
    }
  }

  async #tell(told: Told): Promise<void> {
    if (told.type === 'synced') await this.#call.write(SYNCED);
    else if (told.type === 'lost') await this.#call.write(lostEvent(told.entry));
    else if (told.type === 'removed') await this.#call.write(removedEvent(told.entry));
    else if (!this.#options.torrents) await this.#call.write(publishedEvent(told.entry));
    else {
      const { name, version } = told.entry;
      const found = await this.#dependencies.store.get(name, version);
      // What has been removed since has no torrent any more, and is told as removed alone. A store that was emptied
      // gives the same numbers again.
      if (found === undefined || !sameBytes(found.entry.infoHash, told.entry.infoHash) || this.#call.over)
        return;
      await this.#call.write(publishedEvent(told.entry, found.torrent));
    }
  }

  #waitForChange(done: () => void): undefined {
    this.#wake = done;
  }
}

function tooLarge(): StatusError {
  return new StatusError('RESOURCE_EXHAUSTED', 'the catalogue is larger than what is kept of it here');
}
