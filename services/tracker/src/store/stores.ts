import { randomInt } from 'node:crypto';
import { CachedCatalog, type CatalogStore, MemoryCatalogStore, RedisCatalogStore } from '@pixtorrent/catalog';
import { MemoryNodeStore, type NodeStore, RedisNodeStore, Roster } from '@pixtorrent/cluster';
import { type Logger, SeededRandom } from '@pixtorrent/core';
import { connectRedis, redisConfigOf, systemClock, systemTimers, wallClock } from '@pixtorrent/service-kit';
import {
  MemoryPeerStore,
  type PeerStore,
  RedisPeerStore,
  ResilientPeerStore,
  timeToLive,
} from '@pixtorrent/tracker';
import type { TrackerConfig } from '../config/tracker-settings.ts';
import { Latencies } from '../metrics/latencies.ts';

/** Milliseconds that a start waits for Redis: it goes on without. */
const START_WAIT = 1000;

type RedisClient = ReturnType<typeof connectRedis>;

/** What there is only with Redis. */
export interface SharedStores {
  readonly resilient: ResilientPeerStore;
  readonly redis: RedisPeerStore;
  /** Of the scripts that keep peers. */
  readonly latencies: Latencies;
}

/** Where everything is kept that outlives a request. */
export class Stores {
  readonly peers: PeerStore;
  readonly catalogStore: CatalogStore;
  /** A copy of the catalogue, for those who cannot wait. */
  readonly catalog: CachedCatalog;
  readonly nodeStore: NodeStore;
  /** The nodes of the cluster, as far as they are known here. */
  readonly roster: Roster;
  readonly shared: SharedStores | undefined;
  readonly #clients: RedisClient[] = [];

  constructor(config: TrackerConfig, logger: Logger) {
    const random = new SeededRandom(randomInt(2 ** 47));
    const { maxPeers, maxSwarms, interval } = config;
    const common = { clock: systemClock, timers: systemTimers, random };
    const lifetime = timeToLive(interval / 1000);
    const own = new MemoryPeerStore({ ...common, wallClock }, { timeToLive: lifetime, maxPeers, maxSwarms });
    if (config.store === 'memory') {
      this.peers = own;
      this.catalogStore = new MemoryCatalogStore({ wallClock });
      this.nodeStore = new MemoryNodeStore({ timers: systemTimers });
    } else {
      const latencies = new Latencies();
      const peersLogger = logger.child({ component: 'peers' });
      const redis = new RedisPeerStore(
        {
          ...common,
          logger: peersLogger,
          client: this.#connect(config, peersLogger),
          answered: (milliseconds) => latencies.observe(milliseconds / 1000),
        },
        { timeToLive: lifetime },
      );
      const resilient = new ResilientPeerStore({ ...common, shared: redis, own, logger: peersLogger });
      this.shared = { resilient, redis, latencies };
      this.peers = resilient;
      // A connection of its own: a torrent that is on its way holds up no announce.
      const catalogLogger = logger.child({ component: 'catalog' });
      const client = this.#connect(config, catalogLogger);
      this.catalogStore = new RedisCatalogStore({ client, timers: systemTimers, logger: catalogLogger });
      this.nodeStore = new RedisNodeStore({
        client,
        timers: systemTimers,
        logger: logger.child({ component: 'cluster' }),
      });
    }
    this.catalog = new CachedCatalog({
      store: this.catalogStore,
      timers: systemTimers,
      random,
      logger: logger.child({ component: 'catalog' }),
    });
    this.roster = new Roster({
      store: this.nodeStore,
      timers: systemTimers,
      random,
      logger: logger.child({ component: 'cluster' }),
    });
  }

  /** Fulfilled when Redis is there, or is not awaited any longer. */
  async start(): Promise<void> {
    if (this.shared === undefined) return;
    await connected(this.#clients[0]!);
    await this.shared.resilient.start();
  }

  async close(): Promise<void> {
    this.catalog.close();
    this.roster.close();
    await Promise.all([this.peers.close(), this.catalogStore.close(), this.nodeStore.close()]);
    for (const client of this.#clients) client.disconnect();
  }

  #connect(config: TrackerConfig, logger: Logger): RedisClient {
    // Which of its addresses is given was checked with the rest of the configuration.
    const client = connectRedis(redisConfigOf(config)!, logger);
    this.#clients.push(client);
    return client;
  }
}

function connected(client: RedisClient): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      resolve();
    };
    const timer = systemTimers.after(START_WAIT, done);
    client.once('ready', done);
    client.once('close', done);
  });
}
