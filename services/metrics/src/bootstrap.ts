import 'reflect-metadata';
import type { Logger } from '@pixtorrent/core';
import {
  jsonLogger,
  OperationsApp,
  Readiness,
  Shutdown,
  type ShutdownResult,
  type TlsFiles,
} from '@pixtorrent/service-kit';
import { appModule } from './app.module.ts';
import type { MetricsConfig } from './config/metrics-settings.ts';
import { GrpcFrontend } from './grpc/grpc-frontend.ts';
import { Sweeper } from './health/sweeper.ts';
import { TRACKER_TLS, TRACKER_WATCH } from './tracker/tracker.module.ts';
import type { TrackerWatch } from './tracker/tracker-watch.ts';

/** Where a running service listens; a port that is off is missing. */
export interface MetricsPorts {
  readonly grpc?: number;
  readonly http?: number;
}

export interface RunningMetricsService {
  readonly ports: MetricsPorts;
  /**
   * `/readyz` turns first; then nodes are sent elsewhere, and what is in flight is answered. Once, however often it is
   * asked.
   * @returns whether all of it was done before the deadline
   */
  close(): Promise<ShutdownResult>;
}

export interface BootstrapDependencies {
  /** @default JSON lines on standard output */
  readonly logger?: Logger;
}

/** Starts the metrics service. @throws the system's error where it cannot listen, `EADDRINUSE` for one */
export async function bootstrap(
  config: MetricsConfig,
  dependencies: BootstrapDependencies = {},
): Promise<RunningMetricsService> {
  const logger = dependencies.logger ?? jsonLogger({ service: 'metrics', level: config.logLevel });
  const app = await OperationsApp.create(appModule(config, logger), logger);
  const readiness = app.get(Readiness);
  const shutdown = orderlyShutdown(app, config, logger);
  try {
    const ports = await listen(app, config);
    readiness.started();
    logger.info('metrics is ready', { ...ports });
    let closing: Promise<ShutdownResult> | undefined;
    return {
      ports,
      close() {
        readiness.stopping();
        closing ??= shutdown.run();
        return closing;
      },
    };
  } catch (error) {
    await shutdown.run();
    throw error;
  }
}

async function listen(app: OperationsApp, { httpPort, host }: MetricsConfig): Promise<MetricsPorts> {
  let http: number | undefined;
  if (httpPort === undefined) await app.init();
  else http = await app.listen(httpPort, host);
  const grpc = app.get(GrpcFrontend);
  await grpc.start();
  return { ...(grpc.port !== undefined && { grpc: grpc.port }), ...(http !== undefined && { http }) };
}

function orderlyShutdown(app: OperationsApp, config: MetricsConfig, logger: Logger): Shutdown {
  const shutdown = new Shutdown(logger, { timeout: config.shutdownTimeout });
  shutdown.add({
    name: 'send nodes elsewhere, and answer what is in flight',
    run: (remaining) => app.get(GrpcFrontend).close(remaining / 2),
  });
  shutdown.add({
    name: 'follow no more',
    run() {
      app.get<TrackerWatch | undefined>(TRACKER_WATCH)?.close();
      app.get<TlsFiles | undefined>(TRACKER_TLS)?.close();
      app.get(Sweeper).close();
    },
  });
  shutdown.add({ name: 'close the HTTP port', run: () => app.close() });
  return shutdown;
}
