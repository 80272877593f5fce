import { createRequire } from 'node:module';
import { type Logger, printable } from '@pixtorrent/core';
import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { RedisConfig } from './redis-config.ts';

/** Milliseconds between attempts to reconnect, at the most. */
const LONGEST_PAUSE = 2000;
const SHORTEST_PAUSE = 50;
/** TCP's own, milliseconds: a host that vanished is noticed even where nothing is asked. */
const KEEP_ALIVE = 10_000;
/**
 * So many times as long as an answer may take, a connection may say nothing to what was asked; then it is made anew. TCP itself
 * would wait for a quarter of an hour.
 */
const SILENT_TIMES = 5;

const require = createRequire(import.meta.url);

/**
 * A client that tries to connect for as long as it is not closed, and never fails for that it cannot: it fails what is
 * asked meanwhile, at once. Nothing is sent a second time by itself: whether an unanswered announce was carried out,
 * only its asker can find out.
 */
export function connectRedis(config: RedisConfig, logger: Logger): Redis | Cluster {
  const client = create(config);
  watchState(client, logger);
  return client;
}

function create(config: RedisConfig): Redis | Cluster {
  // Not before it is needed: who has no Redis is 5 MB the smaller.
  const ioredis: typeof import('ioredis') = require('ioredis');
  const { deployment } = config;
  const common = commonOptions(config);
  switch (deployment.type) {
    case 'single':
      return new ioredis.Redis({ ...common, host: deployment.host, port: deployment.port });
    case 'sentinel':
      return new ioredis.Redis({
        ...common,
        sentinels: deployment.sentinels.map(({ host, port }) => ({ host, port })),
        name: deployment.name,
        sentinelRetryStrategy: pauseBefore,
        sentinelReconnectStrategy: pauseBefore,
        sentinelCommandTimeout: config.commandTimeout,
        failoverDetector: true,
        ...(config.sentinelPassword !== undefined && { sentinelPassword: config.sentinelPassword }),
        ...(common.tls !== undefined && { enableTLSForSentinelMode: true, sentinelTLS: common.tls }),
      });
    case 'cluster': {
      // What is said of the whole cluster is not said of each of its connections.
      const { retryStrategy, enableOfflineQueue, enableAutoPipelining, ...redisOptions } = common;
      return new ioredis.Cluster(
        deployment.nodes.map(({ host, port }) => ({ host, port })),
        {
          clusterRetryStrategy: pauseBefore,
          clusterNodeRetryStrategy: pauseBefore,
          enableOfflineQueue: false,
          enableAutoPipelining: true,
          shardedSubscribers: true,
          slotsRefreshTimeout: config.connectTimeout,
          redisOptions,
        },
      );
    }
  }
}

function commonOptions(config: RedisConfig) {
  const { username, password, tls } = config;
  return {
    db: config.db,
    commandTimeout: config.commandTimeout,
    connectTimeout: config.connectTimeout,
    socketTimeout: SILENT_TIMES * config.commandTimeout,
    keepAlive: KEEP_ALIVE,
    enableAutoPipelining: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: pauseBefore,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && {
      tls: {
        ...(tls.ca !== undefined && { ca: tls.ca }),
        ...(tls.serverName !== undefined && { servername: tls.serverName }),
      },
    }),
  } satisfies RedisOptions;
}

/** Doubles up to a limit; by chance up to half less, so that many replicas do not come back in step. */
function pauseBefore(attempt: number): number {
  const pause = Math.min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** Math.min(attempt - 1, 10));
  return pause * (0.5 + Math.random() / 2);
}

/** A line when it goes and when it comes back; none for each attempt in between. */
function watchState(client: Redis | Cluster, logger: Logger): void {
  let state: 'new' | 'ready' | 'away' = 'new';
  let reason = 'closed';
  const away = (): void => {
    if (state === 'away') return;
    state = 'away';
    logger.warn('redis is away', { reason: printable(reason) });
  };
  client.on('error', (error: Error) => {
    reason = error.message || error.name;
    away();
  });
  client.on('close', () => {
    if (state === 'ready') away();
  });
  client.on('ready', () => {
    if (state === 'away') logger.info('redis is back');
    state = 'ready';
    reason = 'closed';
  });
}
