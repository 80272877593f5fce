import type { Clock, InfoHash } from '@pixtorrent/core';
import {
  type Asking,
  PeerStoreError,
  RefusedError,
  type TrackerAnswer,
  type TrackerLogic,
} from '@pixtorrent/tracker';
import type { AnnounceRequest, ScrapeEntry } from '@pixtorrent/tracker-protocol';
import type { TrackerMetrics } from './tracker-metrics.ts';

/** A tracker whose work is counted and timed, and otherwise is as it was. */
export class MeteredTracker implements TrackerLogic {
  readonly #tracker: TrackerLogic;
  readonly #metrics: TrackerMetrics;
  readonly #clock: Clock;

  constructor(tracker: TrackerLogic, metrics: TrackerMetrics, clock: Clock) {
    this.#tracker = tracker;
    this.#metrics = metrics;
    this.#clock = clock;
  }

  async announce(request: AnnounceRequest, asking: Asking): Promise<TrackerAnswer> {
    const started = this.#clock.now();
    let result = 'ok';
    try {
      return await this.#tracker.announce(request, asking);
    } catch (error) {
      result = resultOf(error);
      throw error;
    } finally {
      const tally = this.#metrics.announces[asking.frontend];
      tally.count(request.event ?? 'none', result, (this.#clock.now() - started) / 1000);
    }
  }

  async scrape(
    infoHashes: readonly InfoHash[],
    asking: Pick<Asking, 'frontend' | 'address' | 'announceKey'>,
  ): Promise<(ScrapeEntry | undefined)[]> {
    const started = this.#clock.now();
    let result = 'ok';
    try {
      return await this.#tracker.scrape(infoHashes, asking);
    } catch (error) {
      result = resultOf(error);
      throw error;
    } finally {
      this.#metrics.scrapes[asking.frontend].count('', result, (this.#clock.now() - started) / 1000);
    }
  }
}

function resultOf(error: unknown): string {
  return error instanceof RefusedError || error instanceof PeerStoreError ? error.code : 'fault';
}
