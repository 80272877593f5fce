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

  announce(request: AnnounceRequest, asking: Asking): TrackerAnswer | Promise<TrackerAnswer> {
    const started = this.#clock.now();
    let answer: TrackerAnswer | Promise<TrackerAnswer>;
    try {
      answer = this.#tracker.announce(request, asking);
    } catch (error) {
      this.#count(request, asking, resultOf(error), started);
      throw error;
    }
    if (answer instanceof Promise) return this.#countLater(answer, request, asking, started);
    this.#count(request, asking, 'ok', started);
    return answer;
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

  async #countLater(
    answer: Promise<TrackerAnswer>,
    request: AnnounceRequest,
    asking: Asking,
    started: number,
  ): Promise<TrackerAnswer> {
    let result = 'ok';
    try {
      return await answer;
    } catch (error) {
      result = resultOf(error);
      throw error;
    } finally {
      this.#count(request, asking, result, started);
    }
  }

  #count({ event }: AnnounceRequest, { frontend }: Asking, result: string, started: number): void {
    const seconds = (this.#clock.now() - started) / 1000;
    this.#metrics.announces[frontend].count(event ?? 'none', result, seconds);
  }
}

function resultOf(error: unknown): string {
  return error instanceof RefusedError || error instanceof PeerStoreError ? error.code : 'fault';
}
