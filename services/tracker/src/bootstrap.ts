import 'reflect-metadata';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '@pixtorrent/core';
import { jsonLogger, OperationsApp, Readiness, Shutdown, type ShutdownResult } from '@pixtorrent/service-kit';
import { appModule } from './app.module.ts';
import type { TrackerConfig } from './config/tracker-settings.ts';
import { Frontends } from './frontends/frontends.ts';
import { GrpcFrontend } from './grpc/grpc-frontend.ts';
import { Stores } from './store/stores.ts';

/** Where a running service listens; a port that is off is missing. */
export interface TrackerPorts {
  readonly http?: number;
  readonly udp?: number;
  readonly grpc?: number;
  readonly ops?: number;
}

export interface RunningTrackerService {
  readonly ports: TrackerPorts;
  /**
   * `/readyz` turns first; after the drain delay nothing more is taken in and what is in flight is answered; then the
   * stores are closed. Once, however often it is asked.
   * @returns whether all of it was done before the deadline
   */
  close(): Promise<ShutdownResult>;
}

export interface BootstrapDependencies {
  /** @default JSON lines on standard output */
  readonly logger?: Logger;
}

/**
 * Starts the tracker service. Redis need not be there: the service comes up degraded then.
 * @throws the system's error where it cannot listen, `EADDRINUSE` for one
 */
export async function bootstrap(
  config: TrackerConfig,
  dependencies: BootstrapDependencies = {},
): Promise<RunningTrackerService> {
  const logger = dependencies.logger ?? jsonLogger({ service: 'tracker', level: config.logLevel });
  const app = await OperationsApp.create(appModule(config, logger), logger);
  const readiness = app.get(Readiness);
  const shutdown = orderlyShutdown(app, config, logger);
  try {
    const ports = await listen(app, config);
    readiness.started();
    logger.info('tracker is ready', { ...ports, store: config.store });
    let closing: Promise<ShutdownResult> | undefined;
    const close = async (): Promise<ShutdownResult> => {
      readiness.stopping();
      if (config.drainDelay > 0) await pause(config.drainDelay);
      return shutdown.run();
    };
    return {
      ports,
      close() {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    await shutdown.run();
    throw error;
  }
}

/** First the operations port, so that whoever looks sees it start; peers come last, when all is there for them. */
async function listen(app: OperationsApp, config: TrackerConfig): Promise<TrackerPorts> {
  const { opsPort, host } = config;
  let ops: number | undefined;
  if (opsPort === undefined) await app.init();
  else ops = await app.listen(opsPort, host);
  const grpc = app.get(GrpcFrontend);
  await grpc.start();
  const frontends = app.get(Frontends);
  await frontends.start();
  return {
    ...(frontends.httpPort !== undefined && { http: frontends.httpPort }),
    ...(frontends.udpPort !== undefined && { udp: frontends.udpPort }),
    ...(grpc.port !== undefined && { grpc: grpc.port }),
    ...(ops !== undefined && { ops }),
  };
}

function orderlyShutdown(app: OperationsApp, config: TrackerConfig, logger: Logger): Shutdown {
  const shutdown = new Shutdown(logger, { timeout: config.shutdownTimeout });
  shutdown.add({
    name: 'answer what is in flight',
    // Half of the time: the other half is for the stores, should calls hang.
    run: (remaining) => Promise.all([app.get(Frontends).close(), app.get(GrpcFrontend).close(remaining / 2)]),
  });
  shutdown.add({ name: 'close the stores', run: () => app.get(Stores).close() });
  shutdown.add({ name: 'close the operations port', run: () => app.close() });
  return shutdown;
}
