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
import { sameBytes, type Timer, type Timers } from '@pixtorrent/core';
import { type ErrorMapper, StatusError, toServiceError } from '@pixtorrent/service-kit';
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
  readonly #queue: Told[] = [];
  #head = 0;
  /** Rank of the last entry that was read from the copy; infinite when all have been. */
  #read = 0;
  #over = false;
  #slow = false;
  /** Ends what is waited for, whatever it is. */
  #release: () => void = nothing;
  /** Ends the wait for a change. */
  #wake: () => void = nothing;

  constructor(dependencies: WatcherDependencies, options: WatcherOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
  }

  /** Changes that wait to be sent. */
  get queued(): number {
    return this.#queue.length - this.#head;
  }

  /** Whether it was ended because the client did not keep up. */
  get slow(): boolean {
    return this.#slow;
  }

  /** Fulfilled when the call is over, whyever. */
  async run(): Promise<void> {
    const { call, catalog } = this.#dependencies;
    call.once('cancelled', () => this.#stop());
    if (call.cancelled) this.#stop();
    const unfollow = catalog.follow((change) => this.#note(change));
    try {
      await this.#waitForCatalog();
      if (this.#options.removals) await this.#tellRemovals();
      await this.#tellAll();
      while (!this.#over) {
        await this.#tellQueued();
        if (!this.#over && this.queued === 0) await this.#pause((done) => this.#waitForChange(done));
      }
    } catch (error) {
      this.end(error);
    } finally {
      unfollow();
    }
  }

  /** Ends the call with a status. */
  end(error: unknown): void {
    if (this.#over) return;
    const { call, mapError } = this.#dependencies;
    this.#stop();
    call.emit('error', toServiceError(error, mapError));
  }

  #stop(): void {
    this.#over = true;
    this.#queue.length = 0;
    this.#head = 0;
    this.#release();
  }

  async #waitForCatalog(): Promise<void> {
    const { catalog, timers } = this.#dependencies;
    if (!catalog.ready && !this.#over) {
      await this.#pause((done) => {
        catalog.whenReady().then(done);
        return timers.after(this.#options.maxWait, done);
      });
    }
    if (!catalog.ready)
      throw new StatusError('UNAVAILABLE', 'the catalogue is not known here yet', { retryAfter: PAUSE });
    if (!catalog.complete) throw tooLarge();
  }

  async #tellRemovals(): Promise<void> {
    for (let after = 0; !this.#over; ) {
      const page = await this.#dependencies.store.removals(after, REMOVALS_STEP);
      for (const removal of page) await this.#write(removalEvent(removal));
      if (page.length < REMOVALS_STEP) return;
      after = page.at(-1)!.rank;
    }
  }

  async #tellAll(): Promise<void> {
    for (const { entry, rank } of this.#dependencies.catalog.entries()) {
      this.#read = rank;
      if (!this.#wants(entry)) continue;
      await this.#tellQueued();
      if (this.#over) return;
      await this.#tell({ type: 'published', entry });
    }
    this.#read = Number.POSITIVE_INFINITY;
    this.#add({ type: 'synced' });
  }

  #note(change: CopyChange): void {
    if (this.#over || !this.#wants(change.entry)) return;
    if (change.type === 'left-out') this.end(tooLarge());
    else if (change.rank <= this.#read) this.#add(change);
    // Else the copy is still to be read up to there: what came will be found, and what went will not.
  }

  #wants(entry: CatalogEntry): boolean {
    return hasLabels(entry.labels, this.#options.labels);
  }

  #add(told: Told): void {
    if (this.queued >= this.#options.maxQueued) this.#endSlow();
    else {
      this.#queue.push(told);
      this.#wake();
    }
  }

  #endSlow(): void {
    this.#slow = true;
    const reason = 'changes come faster than they are read here: watch again';
    this.end(new StatusError('ABORTED', reason, { retryAfter: PAUSE }));
  }

  async #tellQueued(): Promise<void> {
    while (!this.#over && this.#head < this.#queue.length) {
      const told = this.#queue[this.#head++]!;
      if (this.#head === this.#queue.length) {
        this.#queue.length = 0;
        this.#head = 0;
      }
      await this.#tell(told);
    }
  }

  async #tell(told: Told): Promise<void> {
    if (told.type === 'synced') await this.#write(SYNCED);
    else if (told.type === 'lost') await this.#write(lostEvent(told.entry));
    else if (told.type === 'removed') await this.#write(removedEvent(told.entry));
    else if (!this.#options.torrents) await this.#write(publishedEvent(told.entry));
    else {
      const { name, version } = told.entry;
      const found = await this.#dependencies.store.get(name, version);
      // What has been removed since has no torrent any more, and is told as removed alone. A store that was emptied
      // gives the same numbers again.
      if (found === undefined || !sameBytes(found.entry.infoHash, told.entry.infoHash) || this.#over) return;
      await this.#write(publishedEvent(told.entry, found.torrent));
    }
  }

  /** Fulfilled when the message has gone out, which it does as the client reads; or the call is over. */
  #write(message: wire.WatchResponse): Promise<void> {
    const { call, timers } = this.#dependencies;
    return this.#pause((done) => {
      call.write(message, done);
      return timers.after(this.#options.maxStall, () => this.#endSlow());
    });
  }

  #waitForChange(done: () => void): undefined {
    this.#wake = done;
  }

  /** Fulfilled when `start`'s callback is called, or the call is over. The timer that it returns is cancelled then. */
  #pause(start: (done: () => void) => Timer | undefined): Promise<void> {
    if (this.#over) return Promise.resolve();
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const done = (): void => {
        timer?.cancel();
        resolve();
      };
      this.#release = done;
      timer = start(done);
    });
  }
}

function tooLarge(): StatusError {
  return new StatusError('RESOURCE_EXHAUSTED', 'the catalogue is larger than what is kept of it here');
}

function nothing(): void {}
