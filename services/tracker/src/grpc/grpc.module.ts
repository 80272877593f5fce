import { Module } from '@nestjs/common';
import type { Logger } from '@pixtorrent/core';
import { Metrics, systemClock, systemTimers, wallClock } from '@pixtorrent/service-kit';
import type { Admission, TrackerLogic } from '@pixtorrent/tracker';
import { CONFIG, LOGGER } from '../config/config.module.ts';
import type { TrackerConfig } from '../config/tracker-settings.ts';
import { StoreModule } from '../store/store.module.ts';
import { Stores } from '../store/stores.ts';
import { ADMISSION, TRACKER_LOGIC, TrackerModule } from '../tracker/tracker.module.ts';
import { addCatalogMetrics } from './catalog/catalog-metrics.ts';
import { type CatalogService, catalogService } from './catalog/catalog-service.ts';
import { ClusterMetrics } from './cluster/cluster-metrics.ts';
import { type ClusterService, clusterService } from './cluster/cluster-service.ts';
import { CATALOG_SERVICE, CLUSTER_SERVICE, GrpcFrontend, TRACKER_SERVICE } from './grpc-frontend.ts';
import { SessionMetrics } from './tracker/session/session-metrics.ts';
import { type TrackerService, trackerService } from './tracker/tracker-service.ts';

@Module({
  imports: [StoreModule, TrackerModule],
  providers: [
    GrpcFrontend,
    {
      provide: TRACKER_SERVICE,
      inject: [CONFIG, TRACKER_LOGIC, ADMISSION, Stores, Metrics, LOGGER],
      useFactory: (
        config: TrackerConfig,
        logic: TrackerLogic,
        admission: Admission,
        { peers, catalog }: Stores,
        metrics: Metrics,
        logger: Logger,
      ): TrackerService => {
        const service = trackerService(
          {
            logic,
            store: peers,
            clock: systemClock,
            timers: systemTimers,
            logger: logger.child({ service: 'tracker' }),
            metrics: new SessionMetrics(metrics),
          },
          {
            interval: config.interval,
            storeOutlives: config.store === 'redis',
            trusted: config.trustedProxies,
          },
        );
        // What is lost comes back from those who hold it: they had better stay.
        catalog.follow(({ type, entry: { infoHash } }) => {
          if (type !== 'published' && type !== 'removed') return;
          service.recheck(infoHash, (asking) => admission.check(infoHash, asking));
        });
        return service;
      },
    },
    {
      provide: CATALOG_SERVICE,
      inject: [Stores, Metrics, LOGGER],
      useFactory: ({ catalogStore, catalog }: Stores, metrics: Metrics, logger: Logger): CatalogService => {
        const service = catalogService({
          store: catalogStore,
          catalog,
          timers: systemTimers,
          logger: logger.child({ service: 'catalog' }),
        });
        addCatalogMetrics(metrics, catalog, service);
        return service;
      },
    },
    {
      provide: CLUSTER_SERVICE,
      inject: [Stores, Metrics, LOGGER],
      useFactory: ({ roster }: Stores, metrics: Metrics, logger: Logger): ClusterService =>
        clusterService({
          roster,
          timers: systemTimers,
          wallClock,
          logger: logger.child({ service: 'cluster' }),
          metrics: new ClusterMetrics(metrics),
        }),
    },
  ],
  exports: [GrpcFrontend],
})
export class GrpcModule {}
