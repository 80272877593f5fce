import type { CachedCatalog, CatalogStore } from '@pixtorrent/catalog';
import { catalog as wire } from '@pixtorrent/contracts';
import type { Logger, Timers } from '@pixtorrent/core';
import { type GrpcService, loggingFaults, unary } from '@pixtorrent/service-kit';
import { get, list, publish, remove, restore } from './catalog-calls.ts';
import { statusOf } from './catalog-messages.ts';
import { DraftReader } from './draft-reader.ts';
import { Watching, type WatchingFigures } from './watching.ts';

export interface CatalogServiceDependencies {
  readonly store: CatalogStore;
  /** A copy of the same store, which watchers are told from. Neither is closed with the service. */
  readonly catalog: CachedCatalog;
  readonly timers: Timers;
  readonly logger: Logger;
}

export interface CatalogServiceOptions {
  /**
   * Calls of Watch at the same time; more are refused.
   * @default 10,000
   */
  readonly maxWatchers?: number;
  /**
   * Changes that wait for one watcher; one that falls back further has to watch again.
   * @default 10,000
   */
  readonly maxQueued?: number;
  /**
   * Milliseconds for which a watcher may read nothing of what is sent to it.
   * @default 60,000
   */
  readonly maxStall?: number;
  /**
   * Milliseconds for which a watcher waits where the catalogue has not been read yet.
   * @default 5,000
   */
  readonly maxWait?: number;
}

/** For metrics. */
export interface CatalogServiceFigures extends WatchingFigures {
  /** Large torrents that wait or are read. */
  readonly reading: number;
}

export interface CatalogService extends GrpcService {
  /** As they are when it is read. */
  readonly figures: CatalogServiceFigures;
  /** Ends the watchers, who are told to watch again, elsewhere, and what is about to be published. */
  close(): Promise<void>;
}

/** pixtorrent.catalog.v1.CatalogService over a store. */
export function catalogService(
  dependencies: CatalogServiceDependencies,
  options: CatalogServiceOptions = {},
): CatalogService {
  const { store, catalog, timers, logger } = dependencies;
  const mapError = loggingFaults(logger, statusOf);
  const drafts = new DraftReader();
  const watching = new Watching(
    { store, catalog, timers, mapError },
    {
      maxWatchers: options.maxWatchers ?? 10_000,
      maxQueued: options.maxQueued ?? 10_000,
      maxStall: options.maxStall ?? 60_000,
      maxWait: options.maxWait ?? 5000,
    },
  );
  const implementation: wire.CatalogServiceServer = {
    publish: unary((request) => publish(store, drafts, request), mapError),
    get: unary((request) => get(store, request), mapError),
    list: unary((request) => list(store, catalog, request), mapError),
    remove: unary((request) => remove(store, request), mapError),
    restore: unary((request) => restore(store, drafts, request), mapError),
    watch: (call) => watching.accept(call),
  };
  return {
    definition: wire.CatalogServiceService,
    implementation,
    get figures() {
      return { ...watching.figures, reading: drafts.jobs };
    },
    async close() {
      await Promise.all([watching.close(), drafts.close()]);
    },
  };
}
