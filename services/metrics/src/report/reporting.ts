import type { Timers } from '@pixtorrent/core';
import { type ErrorMapper, type Metrics, StatusError, toServiceError } from '@pixtorrent/service-kit';
import type { NodeReport, ReportErrorCode, SwarmHealth } from '@pixtorrent/swarm-health';
import { ReportCall, type WireReportCall } from './report-call.ts';

export interface ReportingDependencies {
  readonly health: SwarmHealth;
  /** Told of each report that was taken in. */
  readonly taken: (report: NodeReport) => void;
  readonly timers: Timers;
  readonly metrics: Metrics;
  readonly mapError: ErrorMapper;
}

/** Milliseconds over which nodes that are sent away come back, so that they do not come in step. */
const SPREAD = 1000;
/** Each is told of from the start: a rate needs a first value. */
const REASONS: Record<ReportErrorCode, true> = {
  'bad-name': true,
  'other-node': true,
  'bad-sequence': true,
  'bad-hash': true,
  'bad-shape': true,
  'bad-pieces': true,
  'bad-figure': true,
  'too-much': true,
  flood: true,
  full: true,
  replaced: true,
};

/** All calls of Report that are under way. */
export class Reporting {
  readonly #deps: ReportingDependencies;
  readonly #maxCalls: number;
  readonly #calls = new Set<ReportCall>();
  readonly #refused;
  #closed = false;

  /** @param maxCalls at the same time; more are refused */
  constructor(dependencies: ReportingDependencies, maxCalls: number) {
    this.#deps = dependencies;
    this.#maxCalls = maxCalls;
    const { metrics } = dependencies;
    metrics.gauge({
      name: 'report_streams',
      help: 'Nodes that report now: open streams',
      collect: (own) => own.set(this.#calls.size),
    });
    this.#refused = metrics.counter<'reason'>({
      name: 'reports_refused_total',
      help: 'Reports that were not taken in, by what was wrong with them',
      labels: ['reason'],
    });
    for (const reason of Object.keys(REASONS)) this.#refused.inc({ reason }, 0);
  }

  accept(call: WireReportCall): void {
    const { health, taken, timers, mapError } = this.#deps;
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      call.emit('error', toServiceError(refusal, mapError));
      return;
    }
    const own = new ReportCall({ call, stream: health.open(), taken, timers, mapError });
    this.#calls.add(own);
    own.run().then((reason: ReportErrorCode | undefined) => {
      this.#calls.delete(own);
      if (reason !== undefined) this.#refused.inc({ reason });
    });
  }

  close(): void {
    this.#closed = true;
    let wait = 0;
    for (const call of this.#calls) call.goAway(wait++ % SPREAD);
  }

  #refusal(): StatusError | undefined {
    if (this.#closed)
      return new StatusError('UNAVAILABLE', 'this service is about to end: report elsewhere', {
        retryAfter: 0,
      });
    if (this.#calls.size >= this.#maxCalls)
      return new StatusError('RESOURCE_EXHAUSTED', `${this.#maxCalls} report here already`);
    return undefined;
  }
}
