import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from '@pixtorrent/core';
import { Metrics } from '@pixtorrent/service-kit';
import { HttpFrontend, type TrackerLogic, UdpFrontend } from '@pixtorrent/tracker';
import { CONFIG, LOGGER } from '../config/config.module.ts';
import type { TrackerConfig } from '../config/tracker-settings.ts';
import { TRACKER_LOGIC } from '../tracker/tracker.module.ts';
import { addFrontendMetrics } from './frontend-metrics.ts';

/** The ways in for any BitTorrent client. */
@Injectable()
export class Frontends {
  readonly #config: TrackerConfig;
  readonly #logger: Logger;
  readonly #logic: TrackerLogic;
  #http: HttpFrontend | undefined;
  #udp: UdpFrontend | undefined;

  constructor(
    @Inject(CONFIG) config: TrackerConfig,
    @Inject(LOGGER) logger: Logger,
    @Inject(TRACKER_LOGIC) logic: TrackerLogic,
    @Inject(Metrics) metrics: Metrics,
  ) {
    this.#config = config;
    this.#logger = logger;
    this.#logic = logic;
    addFrontendMetrics(metrics, () => ({ http: this.#http, udp: this.#udp }));
  }

  /** @throws the system's error where it cannot listen */
  async start(): Promise<void> {
    const { httpPort, udpPort, host, trustedProxies, forwardedHeader, maxConnections } = this.#config;
    const common = { ...(host !== undefined && { host }), trustedProxies };
    if (httpPort !== undefined)
      this.#http = await HttpFrontend.listen(this.#logic, this.#logger.child({ frontend: 'http' }), {
        ...common,
        port: httpPort,
        maxConnections,
        ...(forwardedHeader !== undefined && { forwardedHeader }),
      });
    if (udpPort !== undefined)
      this.#udp = await UdpFrontend.listen(this.#logic, this.#logger.child({ frontend: 'udp' }), {
        ...common,
        port: udpPort,
      });
  }

  get httpPort(): number | undefined {
    return this.#http?.port;
  }

  get udpPort(): number | undefined {
    return this.#udp?.port;
  }

  /** Takes nothing more in; fulfilled when all that was asked is answered. */
  async close(): Promise<void> {
    await Promise.all([this.#http?.close(), this.#udp?.close()]);
  }
}
