import { metrics as wire } from '@pixtorrent/contracts';
import type { Clock, Logger, Timers } from '@pixtorrent/core';
import { type GrpcService, loggingFaults, type Metrics, unary } from '@pixtorrent/service-kit';
import type { NodeReport, SwarmHealth } from '@pixtorrent/swarm-health';
import type { WireReportCall } from '../report/report-call.ts';
import { readReport, statusOf } from '../report/report-messages.ts';
import { Reporting } from '../report/reporting.ts';
import { listSwarms } from '../swarms/list-swarms.ts';
import type { WatchCall } from '../swarms/swarm-watcher.ts';
import { SwarmWatching } from '../swarms/swarm-watching.ts';

export interface MetricsServiceDependencies {
  readonly health: SwarmHealth;
  /** Told of each report that was taken in. */
  readonly taken: (report: NodeReport) => void;
  readonly timers: Timers;
  /** Tells milliseconds since 1970. */
  readonly wallClock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface MetricsServiceOptions {
  /** Calls of Report at the same time; more are refused. */
  readonly maxReporters: number;
  /** Calls of WatchSwarms at the same time; more are refused. @default 100 */
  readonly maxWatchers?: number;
}

export interface MetricsService extends GrpcService {
  /** Sends away nodes and watchers, who are told to come back, elsewhere. */
  close(): void;
}

/** pixtorrent.metrics.v1.MetricsService over a model of the swarms. */
export function metricsService(
  dependencies: MetricsServiceDependencies,
  options: MetricsServiceOptions,
): MetricsService {
  const { health, taken, timers, wallClock, logger, metrics } = dependencies;
  const mapError = loggingFaults(logger, statusOf);
  const reporting = new Reporting(
    { health, taken, timers, wallClock, metrics, mapError },
    options.maxReporters,
  );
  const watching = new SwarmWatching({ health, timers, mapError }, options.maxWatchers ?? 100);
  metrics.gauge({
    name: 'watchers',
    help: 'Calls of WatchSwarms',
    collect: (own) => own.set(watching.watchers),
  });
  return {
    definition: {
      ...wire.MetricsServiceService,
      report: { ...wire.MetricsServiceService.report, requestDeserialize: readReport },
    },
    implementation: {
      report: (call: WireReportCall) => reporting.accept(call),
      listSwarms: unary<wire.ListSwarmsRequest, wire.ListSwarmsResponse>(
        async (request) => listSwarms(health, request),
        mapError,
      ),
      watchSwarms: (call: WatchCall) => watching.accept(call),
    },
    close() {
      reporting.close();
      watching.close();
    },
  };
}
