import 'reflect-metadata';
import type { Logger } from '@pixtorrent/core';
import { jsonLogger, OperationsApp, Readiness, Shutdown, type ShutdownResult } from '@pixtorrent/service-kit';
import { Access } from './access/access.ts';
import { appModule } from './app.module.ts';
import type { PeerConfig } from './config/peer-settings.ts';
import { Gateway } from './gateway/gateway.ts';
import { GrpcFrontend } from './grpc/grpc-frontend.ts';
import { NodeTls } from './node/node-tls.ts';
import { PeerNode } from './node/peer-node.ts';
import { REPORTERS } from './report/report.module.ts';
import type { Reporters } from './report/reporters.ts';

/** Where a running service listens; a port that is off is missing. */
export interface PeerPorts {
  readonly peer: number;
  readonly http?: number;
  readonly grpc?: number;
  readonly ops?: number;
}

export interface RunningPeerService {
  readonly ports: PeerPorts;
  /** Fulfilled when the tracker service knows of the node. */
  registered(): Promise<void>;
  /**
   * Leaves in good order: `/readyz` turns first, then others take what only this node has, for as long as is set. Once,
   * however often it is asked.
   * @returns whether all of it was done before the deadline
   */
  close(): Promise<ShutdownResult>;
}

export interface BootstrapDependencies {
  /** @default JSON lines on standard output */
  readonly logger?: Logger;
}

/**
 * Starts the peer-node service. The tracker service need not be there: the node serves what it has, and is ready when
 * the tracker knows of it.
 * @throws the system's error where it cannot listen, or its folder cannot be written to
 */
export async function bootstrap(
  config: PeerConfig,
  dependencies: BootstrapDependencies = {},
): Promise<RunningPeerService> {
  const logger = dependencies.logger ?? jsonLogger({ service: 'peer-node', level: config.logLevel });
  const app = await OperationsApp.create(appModule(config, logger), logger);
  const readiness = app.get(Readiness);
  const node = app.get(PeerNode);
  const shutdown = orderlyShutdown(app, config, logger);
  try {
    const ports = await listen(app, config);
    node.register(ports);
    const registered = node.whenRegistered().then(() => {
      readiness.started();
      logger.info('peer-node is ready', { name: config.name, ...ports });
    });
    let closing: Promise<ShutdownResult> | undefined;
    return {
      ports,
      registered: () => registered,
      close() {
        readiness.stopping();
        closing ??= drained(node, config.drainTimeout).then(() => shutdown.run());
        return closing;
      },
    };
  } catch (error) {
    await shutdown.run();
    throw error;
  }
}

/** Others take what only this node has; it is told how that went. */
async function drained(node: PeerNode, timeout: number): Promise<void> {
  for await (const _ of node.drain(timeout));
}

async function listen(app: OperationsApp, { opsPort, host }: PeerConfig): Promise<PeerPorts> {
  let ops: number | undefined;
  if (opsPort === undefined) await app.init();
  else ops = await app.listen(opsPort, host);
  const gateway = app.get(Gateway);
  await gateway.start();
  const grpc = app.get(GrpcFrontend);
  await grpc.start();
  return {
    peer: app.get(PeerNode).client.port,
    ...(grpc.port !== undefined && { grpc: grpc.port }),
    ...(gateway.port !== undefined && { http: gateway.port }),
    ...(ops !== undefined && { ops }),
  };
}

function orderlyShutdown(app: OperationsApp, config: PeerConfig, logger: Logger): Shutdown {
  const shutdown = new Shutdown(logger, { timeout: config.shutdownTimeout });
  shutdown.add({
    name: 'answer what is in flight',
    // Half of the time: the other half is for the swarm, should readers take long.
    run: (remaining) =>
      Promise.all([app.get(Gateway).close(remaining / 2), app.get(GrpcFrontend).close(remaining / 2)]),
  });
  shutdown.add({ name: 'report the last', run: () => app.get<Reporters | undefined>(REPORTERS)?.close() });
  shutdown.add({ name: 'leave the swarm', run: () => app.get(PeerNode).close() });
  shutdown.add({
    name: 'look at files no more',
    run: () => {
      app.get(NodeTls).close();
      app.get(Access).close();
    },
  });
  shutdown.add({ name: 'close the operations port', run: () => app.close() });
  return shutdown;
}
