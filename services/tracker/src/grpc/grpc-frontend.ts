import { Inject, Injectable } from '@nestjs/common';
import { descriptors } from '@pixtorrent/contracts';
import type { Logger } from '@pixtorrent/core';
import {
  GrpcServer,
  type GrpcService,
  Metrics,
  systemTimers,
  TlsFiles,
  type TlsPem,
} from '@pixtorrent/service-kit';
import { CONFIG, LOGGER } from '../config/config.module.ts';
import type { TrackerConfig } from '../config/tracker-settings.ts';
import type { CatalogService } from './catalog/catalog-service.ts';
import type { ClusterService } from './cluster/cluster-service.ts';
import type { TrackerService } from './tracker/tracker-service.ts';

export const CATALOG_SERVICE = Symbol('CatalogService');
export const CLUSTER_SERVICE = Symbol('ClusterService');
export const TRACKER_SERVICE = Symbol('TrackerService');

/** The way in for our own nodes and for whoever runs them. */
@Injectable()
export class GrpcFrontend {
  readonly #config: TrackerConfig;
  readonly #services: readonly (GrpcService & { close(graceMs: number): Promise<void> })[];
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  #server: GrpcServer | undefined;
  #tls: TlsFiles | undefined;

  constructor(
    @Inject(CONFIG) config: TrackerConfig,
    @Inject(TRACKER_SERVICE) tracker: TrackerService,
    @Inject(CATALOG_SERVICE) catalog: CatalogService,
    @Inject(CLUSTER_SERVICE) cluster: ClusterService,
    @Inject(Metrics) metrics: Metrics,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.#config = config;
    this.#metrics = metrics;
    this.#logger = logger;
    this.#services = [tracker, catalog, cluster];
    metrics.gauge({
      name: 'grpc_connections',
      help: 'Open gRPC connections',
      collect: (gauge) => gauge.set(this.#server?.connections ?? 0),
    });
  }

  /** @throws the system's error where it cannot listen; ConfigError where its certificates cannot be used */
  async start(): Promise<void> {
    const { grpcPort, host, maxConnections, grpcMaxRequest } = this.#config;
    if (grpcPort === undefined) return;
    this.#tls = this.#certificates();
    this.#server = await GrpcServer.listen({
      ...(host !== undefined && { host }),
      port: grpcPort,
      services: this.#services,
      descriptors,
      limits: { maxConnections, maxReceiveBytes: grpcMaxRequest },
      ...(this.#tls && { tls: this.#tls }),
    });
  }

  get port(): number | undefined {
    return this.#server?.port;
  }

  /**
   * Tells those who are connected for long to go elsewhere, and lets the others end.
   * @param graceMs milliseconds for all of it
   */
  async close(graceMs: number): Promise<void> {
    this.#tls?.close();
    if (this.#server === undefined) return;
    await Promise.all([
      ...this.#services.map((service) => service.close(graceMs)),
      this.#server.drain(graceMs),
    ]);
  }

  #certificates(): TlsFiles | undefined {
    const { grpcTlsKey: key, grpcTlsCertificate: certificate, grpcTlsClientCa: ca } = this.#config;
    if (key === undefined || certificate === undefined) return undefined;
    return new TlsFiles<TlsPem>(
      { timers: systemTimers, logger: this.#logger, metrics: this.#metrics },
      { name: 'gRPC certificates', paths: { key, certificate, ...(ca !== undefined && { ca }) } },
    );
  }
}
