import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from '@pixtorrent/core';
import { Metrics, systemTimers, wallClock } from '@pixtorrent/service-kit';
import { Access } from '../access/access.ts';
import { CONFIG, LOGGER } from '../config/config.module.ts';
import type { PeerConfig } from '../config/peer-settings.ts';
import { HttpIngest } from '../ingest/http-ingest.ts';
import { NodeTls } from '../node/node-tls.ts';
import { PeerNode } from '../node/peer-node.ts';
import { ContentGateway } from './content-gateway.ts';
import { addGatewayMetrics } from './gateway-metrics.ts';
import { HttpServer } from './server/http-server.ts';

/** The HTTP side of the node. */
@Injectable()
export class Gateway {
  readonly #config: PeerConfig;
  readonly #logger: Logger;
  readonly #node: PeerNode;
  readonly #tls: NodeTls;
  readonly #access: Access;
  #server: HttpServer | undefined;

  constructor(
    @Inject(CONFIG) config: PeerConfig,
    @Inject(LOGGER) logger: Logger,
    @Inject(PeerNode) node: PeerNode,
    @Inject(NodeTls) tls: NodeTls,
    @Inject(Access) access: Access,
    @Inject(Metrics) metrics: Metrics,
  ) {
    this.#config = config;
    this.#logger = logger.child({ component: 'gateway' });
    this.#node = node;
    this.#tls = tls;
    this.#access = access;
    addGatewayMetrics(metrics, () => this.#server);
  }

  /** @throws the system's error where it cannot listen */
  async start(): Promise<void> {
    const { httpPort: port, host } = this.#config;
    if (port === undefined) return;
    const { torrents, catalogue, cluster, entries, replicator, ingestor } = this.#node;
    const parts = { torrents, catalogue, cluster, entries, replicator, timers: systemTimers, wallClock };
    const routes = [
      new ContentGateway(parts),
      new HttpIngest({ ingestor, access: this.#access, timers: systemTimers }),
    ];
    this.#server = await HttpServer.listen({ host, port, routes, tls: this.#tls.ports }, this.#logger);
  }

  /** Undefined where it is off. */
  get port(): number | undefined {
    return this.#server?.port;
  }

  /** Takes nothing more in. @param grace milliseconds for what is under way */
  async close(grace: number): Promise<void> {
    await this.#server?.close(grace);
  }
}
