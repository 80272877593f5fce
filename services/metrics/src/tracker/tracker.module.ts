import { randomInt } from 'node:crypto';
import { credentials } from '@grpc/grpc-js';
import { Module } from '@nestjs/common';
import { type Logger, SeededRandom } from '@pixtorrent/core';
import { Metrics, Readiness, systemTimers, TlsFiles, type TlsPem } from '@pixtorrent/service-kit';
import { SwarmHealth } from '@pixtorrent/swarm-health';
import { CONFIG, LOGGER } from '../config/config.module.ts';
import type { MetricsConfig } from '../config/metrics-settings.ts';
import { HealthModule } from '../health/health.module.ts';
import { addTrackerMetrics } from './tracker-metrics.ts';
import { TrackerWatch } from './tracker-watch.ts';

/** What follows the tracker; undefined where none is named. */
export const TRACKER_WATCH = Symbol('TrackerWatch');
/** The certificates by which it is called; undefined where files play no part in that. */
export const TRACKER_TLS = Symbol('TrackerTls');

@Module({
  imports: [HealthModule],
  providers: [
    {
      provide: TRACKER_TLS,
      inject: [CONFIG, Metrics, LOGGER],
      useFactory: (config: MetricsConfig, metrics: Metrics, logger: Logger): TlsFiles | undefined => {
        const { trackerTls, trackerCaFile: ca, tlsKeyFile: key, tlsCertificateFile: certificate } = config;
        const pair = key !== undefined && certificate !== undefined && { key, certificate };
        if (!trackerTls || (!pair && ca === undefined)) return undefined;
        return new TlsFiles<TlsPem>(
          { timers: systemTimers, logger, metrics },
          { name: 'tracker certificates', paths: { ...pair, ...(ca !== undefined && { ca }) } },
        );
      },
    },
    {
      provide: TRACKER_WATCH,
      inject: [CONFIG, SwarmHealth, TRACKER_TLS, Metrics, Readiness, LOGGER],
      useFactory: (
        { tracker: addresses, trackerTls }: MetricsConfig,
        health: SwarmHealth,
        tls: TlsFiles | undefined,
        metrics: Metrics,
        readiness: Readiness,
        logger: Logger,
      ): TrackerWatch | undefined => {
        if (addresses.length === 0) return undefined;
        const watch = new TrackerWatch(
          {
            health,
            credentials: trackerTls
              ? (tls?.channelCredentials() ?? credentials.createSsl())
              : credentials.createInsecure(),
            timers: systemTimers,
            random: new SeededRandom(randomInt(2 ** 47)),
            logger: logger.child({ component: 'tracker' }),
          },
          { addresses },
        );
        addTrackerMetrics(metrics, watch, health);
        // Swarms are followed all the same: who asks is told that this side is missing, and sent here still.
        readiness.add('tracker', () =>
          watch.working ? { status: 'ok' } : { status: 'degraded', reason: 'the tracker does not answer' },
        );
        return watch;
      },
    },
  ],
  exports: [TRACKER_WATCH, TRACKER_TLS],
})
export class TrackerModule {}
