import { randomInt } from 'node:crypto';
import { Module } from '@nestjs/common';
import { systemClock } from '@pixtorrent/service-kit';
import { Admission, AdmittingTracker, RateLimit, Tracker, type TrackerLogic } from '@pixtorrent/tracker';
import { CONFIG } from '../config/config.module.ts';
import type { TrackerConfig } from '../config/tracker-settings.ts';
import { MeteredTracker } from '../metrics/metered-tracker.ts';
import { TrackerMetrics } from '../metrics/tracker-metrics.ts';
import { StoreModule } from '../store/store.module.ts';
import { Stores } from '../store/stores.ts';

/** The rules, as every frontend asks them. */
export const TRACKER_LOGIC = Symbol('TrackerLogic');
export const ADMISSION = Symbol('Admission');

@Module({
  imports: [StoreModule],
  providers: [
    { provide: ADMISSION, inject: [CONFIG, Stores], useFactory: admission },
    {
      provide: TRACKER_LOGIC,
      inject: [CONFIG, Stores, TrackerMetrics, ADMISSION],
      useFactory: (
        config: TrackerConfig,
        stores: Stores,
        metrics: TrackerMetrics,
        admitted: Admission,
      ): TrackerLogic => {
        const tracker = new Tracker(stores.peers, {
          interval: Math.ceil(config.interval / 1000),
          minInterval: Math.ceil(config.minInterval / 1000),
        });
        const admitting = new AdmittingTracker(tracker, admitted);
        return new MeteredTracker(admitting, metrics, systemClock);
      },
    },
  ],
  exports: [TRACKER_LOGIC, ADMISSION],
})
export class TrackerModule {}

/** How many times the rate one asker may ask at once; the setting says so. */
const BURST = 10;

function admission({ open, keyFor, announceKeys, rateLimit }: TrackerConfig, { catalog }: Stores): Admission {
  const seed = randomInt(2 ** 32);
  const limit =
    rateLimit === 0
      ? undefined
      : new RateLimit({ clock: systemClock, seed }, { rate: rateLimit, burst: rateLimit * BURST });
  return new Admission({ torrents: catalog, rateLimit: limit }, { open, keyFor, keys: announceKeys });
}
