import { Inject, Injectable } from '@nestjs/common';
import { descriptors } from '@pixtorrent/contracts';
import { GrpcServer, Metrics } from '@pixtorrent/service-kit';
import { Access } from '../access/access.ts';
import { CONFIG } from '../config/config.module.ts';
import type { PeerConfig } from '../config/peer-settings.ts';
import { NodeTls } from '../node/node-tls.ts';
import { changes, type PeerService } from './peer-service.ts';

export const PEER_SERVICE = Symbol('PeerService');

/** Bytes of a request: a torrent of 16 MiB, and what is around it. */
const LARGEST_REQUEST = 17 * 2 ** 20;
const MAX_CONNECTIONS = 1000;

/** The way in for whoever runs the node, and for what comes from there. */
@Injectable()
export class GrpcFrontend {
  readonly #config: PeerConfig;
  readonly #service: PeerService;
  readonly #access: Access;
  readonly #tls: NodeTls;
  #server: GrpcServer | undefined;

  constructor(
    @Inject(CONFIG) config: PeerConfig,
    @Inject(PEER_SERVICE) service: PeerService,
    @Inject(Access) access: Access,
    @Inject(NodeTls) tls: NodeTls,
    @Inject(Metrics) metrics: Metrics,
  ) {
    this.#config = config;
    this.#service = service;
    this.#access = access;
    this.#tls = tls;
    metrics.gauge({
      name: 'grpc_connections',
      help: 'Open gRPC connections',
      collect: (gauge) => gauge.set(this.#server?.connections ?? 0),
    });
    metrics.gauge({
      name: 'grpc_streams',
      help: 'Calls of WatchTorrents and Drain that are under way',
      collect: (gauge) => gauge.set(service.streams),
    });
  }

  /** @throws the system's error where it cannot listen */
  async start(): Promise<void> {
    const { grpcPort, host } = this.#config;
    if (grpcPort === undefined) return;
    const { ports: tls } = this.#tls;
    this.#server = await GrpcServer.listen({
      ...(host !== undefined && { host }),
      port: grpcPort,
      services: [this.#service],
      descriptors,
      limits: { maxConnections: MAX_CONNECTIONS, maxReceiveBytes: LARGEST_REQUEST },
      interceptors: [this.#access.interceptor(changes)],
      ...(tls && { tls }),
    });
  }

  get port(): number | undefined {
    return this.#server?.port;
  }

  /** Ends what is under way. @param grace milliseconds for calls that are about to be answered */
  async close(grace: number): Promise<void> {
    await Promise.all([this.#service.close(), this.#server?.drain(grace)]);
  }
}
