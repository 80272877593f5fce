import type { ServerWritableStream } from '@grpc/grpc-js';
import type { CachedCatalog, CatalogStore } from '@pixtorrent/catalog';
import type { catalog as wire } from '@pixtorrent/contracts';
import type { Timers } from '@pixtorrent/core';
import { type ErrorMapper, ToldCalls } from '@pixtorrent/service-kit';
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
  readonly #calls: ToldCalls<Watcher>;
  #slow = 0;

  constructor(dependencies: WatchingDependencies, options: WatchingOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#calls = new ToldCalls(dependencies.mapError, options.maxWatchers);
  }

  get figures(): WatchingFigures {
    let queued = 0;
    for (const watcher of this.#calls.all()) queued += watcher.queued;
    return { watchers: this.#calls.size, queued, slow: this.#slow };
  }

  accept(call: ServerWritableStream<wire.WatchRequest, wire.WatchResponse>): void {
    this.#calls.accept(
      call,
      () => new Watcher({ ...this.#dependencies, call }, { ...this.#options, ...wishesOf(call.request) }),
      ({ slow }) => {
        if (slow) this.#slow++;
      },
    );
  }

  close(): Promise<void> {
    return this.#calls.close();
  }
}
