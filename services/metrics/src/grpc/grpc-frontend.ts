import { Inject, Injectable } from '@nestjs/common';
import { descriptors } from '@pixtorrent/contracts';
import type { Logger } from '@pixtorrent/core';
import { GrpcServer, Metrics, systemTimers, TlsFiles, type TlsPem } from '@pixtorrent/service-kit';
import { CONFIG, LOGGER } from '../config/config.module.ts';
import type { MetricsConfig } from '../config/metrics-settings.ts';
import type { MetricsService } from './metrics-service.ts';

export const METRICS_SERVICE = Symbol('MetricsService');

/** Bytes of a report: the snapshot of 100 torrents with most pieces, or of any number of usual ones. */
const LARGEST_REQUEST = 16 * 2 ** 20;

/** Where nodes report, and where programs ask. */
@Injectable()
export class GrpcFrontend {
  readonly #config: MetricsConfig;
  readonly #service: MetricsService;
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  #server: GrpcServer | undefined;
  #tls: TlsFiles | undefined;

  constructor(
    @Inject(CONFIG) config: MetricsConfig,
    @Inject(METRICS_SERVICE) service: MetricsService,
    @Inject(Metrics) metrics: Metrics,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.#config = config;
    this.#service = service;
    this.#metrics = metrics;
    this.#logger = logger;
    metrics.gauge({
      name: 'grpc_connections',
      help: 'Open gRPC connections',
      collect: (gauge) => gauge.set(this.#server?.connections ?? 0),
    });
  }

  /** @throws the system's error where it cannot listen; ConfigError where its certificates cannot be used */
  async start(): Promise<void> {
    const { grpcPort, host, maxNodes } = this.#config;
    if (grpcPort === undefined) return;
    this.#tls = this.#certificates();
    this.#server = await GrpcServer.listen({
      ...(host !== undefined && { host }),
      port: grpcPort,
      services: [this.#service],
      descriptors,
      // Watchers come beside the nodes, and nodes again while their old connections are not known to be dead.
      limits: { maxConnections: 2 * maxNodes, maxReceiveBytes: LARGEST_REQUEST },
      ...(this.#tls && { tls: this.#tls }),
    });
  }

  get port(): number | undefined {
    return this.#server?.port;
  }

  /** @param graceMs milliseconds for what is in flight */
  async close(graceMs: number): Promise<void> {
    this.#tls?.close();
    this.#service.close();
    await this.#server?.drain(graceMs);
  }

  #certificates(): TlsFiles | undefined {
    const { tlsKeyFile: key, tlsCertificateFile: certificate, tlsClientCaFile: ca } = this.#config;
    if (key === undefined || certificate === undefined) return undefined;
    return new TlsFiles<TlsPem>(
      { timers: systemTimers, logger: this.#logger, metrics: this.#metrics },
      { name: 'gRPC certificates', paths: { key, certificate, ...(ca !== undefined && { ca }) } },
    );
  }
}
