import type { Clock, Timers } from '@pixtorrent/core';
import { type ErrorMapper, type Metrics, StatusError, toServiceError } from '@pixtorrent/service-kit';
import type { NodeReport, ReportErrorCode, SwarmHealth } from '@pixtorrent/swarm-health';
import { ReportCall, type WireReportCall } from './report-call.ts';

export interface ReportingDependencies {
  readonly health: SwarmHealth;
  /** Told of each report that was taken in. */
  readonly taken: (report: NodeReport) => void;
  readonly timers: Timers;
  /** Tells milliseconds since 1970. */
  readonly wallClock: Clock;
  readonly metrics: Metrics;
  readonly mapError: ErrorMapper;
}

/** Milliseconds over which nodes that are sent away come back, so that they do not come in step. */
const SPREAD = 1000;
/** Milliseconds by which a clock may differ from that of this side, and a report be on its way. */
const CLOCK_OFF = 30_000;
/** Each is told of from the start: a rate needs a first value. */
const REASONS: Record<ReportErrorCode, true> = {
  'bad-message': true,
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
  readonly #clockOff;
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
    this.#clockOff = metrics.counter({
      name: 'reports_clock_off_total',
      help: 'Reports of nodes whose clocks are more than 30 s off; when what happened is told by the clock here',
    });
    for (const reason of Object.keys(REASONS)) this.#refused.inc({ reason }, 0);
  }

  accept(call: WireReportCall): void {
    const { health, timers, mapError } = this.#deps;
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      call.emit('error', toServiceError(refusal, mapError));
      return;
    }
    const taken = (report: NodeReport, sentMs: number): void => this.#taken(report, sentMs);
    const own = new ReportCall({ call, stream: health.open(), taken, timers, mapError });
    this.#calls.add(own);
    own.run().then((reason: ReportErrorCode | undefined) => {
      this.#calls.delete(own);
      if (reason !== undefined) this.#refused.inc({ reason });
    });
  }

  #taken(report: NodeReport, sentMs: number): void {
    this.#deps.taken(report);
    // 0 where it does not say.
    if (sentMs > 0 && Math.abs(sentMs - this.#deps.wallClock.now()) > CLOCK_OFF) this.#clockOff.inc();
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
    if (this.#calls.size >= this.#maxCalls) {
      this.#refused.inc({ reason: 'full' });
      return new StatusError('RESOURCE_EXHAUSTED', `${this.#maxCalls} report here already`);
    }
    return undefined;
  }
}
