import { Module } from '@nestjs/common';
import type { Logger } from '@pixtorrent/core';
import { Metrics, Readiness, systemClock } from '@pixtorrent/service-kit';
import { CONFIG, LOGGER } from '../config/config.module.ts';
import type { TrackerConfig } from '../config/tracker-settings.ts';
import { addRedisMetrics } from '../metrics/redis-metrics.ts';
import { addStoreGauges } from '../metrics/store-gauges.ts';
import { Stores } from './stores.ts';

@Module({
  providers: [
    {
      provide: Stores,
      inject: [CONFIG, LOGGER, Metrics, Readiness],
      async useFactory(
        config: TrackerConfig,
        logger: Logger,
        metrics: Metrics,
        readiness: Readiness,
      ): Promise<Stores> {
        const stores = new Stores(config, logger);
        addStoreGauges(metrics, stores.peers, systemClock);
        if (stores.shared !== undefined) addRedisMetrics(metrics, stores.shared);
        addChecks(readiness, stores);
        await stores.start();
        return stores;
      },
    },
  ],
  exports: [Stores],
})
export class StoreModule {}

function addChecks(readiness: Readiness, { catalog, roster, shared }: Stores): void {
  readiness.add('catalogue', () =>
    catalog.stale ? { status: 'degraded', reason: 'the catalogue cannot be read' } : { status: 'ok' },
  );
  readiness.add('cluster', () =>
    roster.stale ? { status: 'degraded', reason: 'the nodes are known as they were' } : { status: 'ok' },
  );
  if (shared === undefined) return;
  readiness.add('redis', () => {
    const { state } = shared.resilient;
    if (state.type !== 'away') return { status: 'ok' };
    return { status: 'degraded', reason: `peers are kept by this replica only: ${state.reason}` };
  });
}
