import { Module } from '@nestjs/common';
import type { Logger } from '@pixtorrent/core';
import { Metrics, systemTimers, wallClock } from '@pixtorrent/service-kit';
import { SwarmHealth } from '@pixtorrent/swarm-health';
import { CONFIG, LOGGER } from '../config/config.module.ts';
import type { MetricsConfig } from '../config/metrics-settings.ts';
import { HealthModule } from '../health/health.module.ts';
import { Links } from '../metrics/links.ts';
import { GrpcFrontend, METRICS_SERVICE } from './grpc-frontend.ts';
import { type MetricsService, metricsService } from './metrics-service.ts';

@Module({
  imports: [HealthModule],
  providers: [
    GrpcFrontend,
    {
      provide: METRICS_SERVICE,
      inject: [CONFIG, SwarmHealth, Links, Metrics, LOGGER],
      useFactory: (
        { maxNodes }: MetricsConfig,
        health: SwarmHealth,
        links: Links,
        metrics: Metrics,
        logger: Logger,
      ): MetricsService =>
        metricsService(
          { health, taken: (report) => links.add(report), timers: systemTimers, wallClock, logger, metrics },
          { maxReporters: maxNodes },
        ),
    },
  ],
  exports: [GrpcFrontend],
})
export class GrpcModule {}
