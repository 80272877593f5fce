import { type Clock, type Logger, printable } from '@pixtorrent/core';
import type { Metrics } from '../metrics/metrics.ts';
import { sharedMetric } from '../metrics/shared-metric.ts';
import type { TokenVerdict } from './bearer-tokens.ts';

export interface RefusalsDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: Metrics;
}

/** Milliseconds between two lines of the log. */
const LINE_PERIOD = 10_000;

const refusals = sharedMetric((metrics) =>
  metrics.counter({
    name: 'auth_refusals_total',
    help: 'Calls and requests refused because of their bearer token',
    labels: ['via', 'reason'],
  }),
);

/** Counts who was refused, and logs it at most once in 10 seconds: whoever guesses does not fill the log. */
export class Refusals {
  readonly #dependencies: RefusalsDependencies;
  #logged = Number.NEGATIVE_INFINITY;
  #unlogged = 0;

  constructor(dependencies: RefusalsDependencies) {
    this.#dependencies = dependencies;
  }

  /** @param from address of the caller @param what was asked for */
  add(via: 'grpc' | 'http', reason: Exclude<TokenVerdict, 'accepted'>, from: string, what: string): void {
    const { clock, logger, metrics } = this.#dependencies;
    if (metrics !== undefined) refusals(metrics).inc({ via, reason });
    const now = clock.now();
    if (now - this.#logged < LINE_PERIOD) {
      this.#unlogged++;
      return;
    }
    logger.warn('refused for want of a known bearer token', {
      via,
      reason,
      from: printable(from),
      what: printable(what),
      unlogged: this.#unlogged,
    });
    this.#logged = now;
    this.#unlogged = 0;
  }
}
