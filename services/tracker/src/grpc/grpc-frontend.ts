import { Inject, Injectable } from '@nestjs/common';
import { descriptors } from '@pixtorrent/contracts';
import { GrpcServer, type GrpcService, Metrics } from '@pixtorrent/service-kit';
import { CONFIG } from '../config/config.module.ts';
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
  #server: GrpcServer | undefined;

  constructor(
    @Inject(CONFIG) config: TrackerConfig,
    @Inject(TRACKER_SERVICE) tracker: TrackerService,
    @Inject(CATALOG_SERVICE) catalog: CatalogService,
    @Inject(CLUSTER_SERVICE) cluster: ClusterService,
    @Inject(Metrics) metrics: Metrics,
  ) {
    this.#config = config;
    this.#services = [tracker, catalog, cluster];
    metrics.gauge({
      name: 'grpc_connections',
      help: 'Open gRPC connections',
      collect: (gauge) => gauge.set(this.#server?.connections ?? 0),
    });
  }

  /** @throws the system's error where it cannot listen */
  async start(): Promise<void> {
    const { grpcPort, host, maxConnections, grpcMaxRequest } = this.#config;
    if (grpcPort === undefined) return;
    const { grpcTlsKey: key, grpcTlsCertificate: certificate, grpcTlsClientCa: clientCa } = this.#config;
    this.#server = await GrpcServer.listen({
      ...(host !== undefined && { host }),
      port: grpcPort,
      services: this.#services,
      descriptors,
      limits: { maxConnections, maxReceiveBytes: grpcMaxRequest },
      ...(key !== undefined &&
        certificate !== undefined && {
          tls: { key, certificate, ...(clientCa !== undefined && { clientCa }) },
        }),
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
    if (this.#server === undefined) return;
    await Promise.all([
      ...this.#services.map((service) => service.close(graceMs)),
      this.#server.drain(graceMs),
    ]);
  }
}
