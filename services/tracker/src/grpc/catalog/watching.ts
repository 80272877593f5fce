import type { ServerWritableStream } from '@grpc/grpc-js';
import type { CachedCatalog, CatalogStore } from '@pixtorrent/catalog';
import type { catalog as wire } from '@pixtorrent/contracts';
import type { Timers } from '@pixtorrent/core';
import { type ErrorMapper, StatusError, toServiceError } from '@pixtorrent/service-kit';
import { wishesOf } from './catalog-messages.ts';
import { Watcher, type WatcherOptions } from './watcher.ts';

export interface WatchingDependencies {
  readonly store: Pick<CatalogStore, 'get' | 'removals'>;
  readonly catalog: CachedCatalog;
  readonly timers: Timers;
  readonly mapError: ErrorMapper;
}

export interface WatchingOptions extends Pick<WatcherOptions, 'maxQueued' | 'maxStall' | 'maxWait'> {
  readonly maxWatchers: number;
}

export interface WatchingFigures {
  readonly watchers: number;
  /** Changes that wait to be sent, for all watchers. */
  readonly queued: number;
  /** Watchers that were ended because they did not keep up, so far. */
  readonly slow: number;
}

/** All calls of Watch that are under way. */
export class Watching {
  readonly #dependencies: WatchingDependencies;
  readonly #options: WatchingOptions;
  readonly #watchers = new Map<Watcher, Promise<void>>();
  #slow = 0;
  #closed = false;

  constructor(dependencies: WatchingDependencies, options: WatchingOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
  }

  get figures(): WatchingFigures {
    let queued = 0;
    for (const watcher of this.#watchers.keys()) queued += watcher.queued;
    return { watchers: this.#watchers.size, queued, slow: this.#slow };
  }

  accept(call: ServerWritableStream<wire.WatchRequest, wire.WatchResponse>): void {
    try {
      if (this.#closed) throw goingAway();
      const { maxWatchers } = this.#options;
      if (this.#watchers.size >= maxWatchers)
        throw new StatusError('RESOURCE_EXHAUSTED', `${maxWatchers} watch here already: watch elsewhere`);
      const options = { ...this.#options, ...wishesOf(call.request) };
      const watcher = new Watcher({ ...this.#dependencies, call }, options);
      const run = watcher.run().finally(() => {
        this.#watchers.delete(watcher);
        if (watcher.slow) this.#slow++;
      });
      this.#watchers.set(watcher, run);
    } catch (error) {
      call.emit('error', toServiceError(error, this.#dependencies.mapError));
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const runs = [...this.#watchers.values()];
    for (const watcher of this.#watchers.keys()) watcher.end(goingAway());
    await Promise.all(runs);
  }
}

function goingAway(): StatusError {
  return new StatusError('UNAVAILABLE', 'this service is about to end: watch again, elsewhere', {
    retryAfter: 0,
  });
}
