import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  bootstrap as bootstrapMetrics,
  type RunningMetricsService,
  readMetricsConfig,
} from '@pixtorrent/metrics-service';
import {
  bootstrap as bootstrapTracker,
  type RunningTrackerService,
  readTrackerConfig,
} from '@pixtorrent/tracker-service';
import { Services } from '../cluster/services.ts';
import type { Context } from '../context.ts';
import { SwarmNode } from './swarm-node.ts';

const HOST = '127.0.0.1';
const TRACKER = {
  TRACKER_HOST: HOST,
  TRACKER_HTTP_PORT: '0',
  TRACKER_UDP_PORT: 'off',
  TRACKER_GRPC_PORT: '0',
  TRACKER_OPS_PORT: 'off',
};
const METRICS = { METRICS_HOST: HOST, METRICS_GRPC_PORT: '0', METRICS_HTTP_PORT: '0' };

export interface SwarmOptions {
  /** That everything is kept in. */
  readonly folder: string;
  /** Beside the seeder. */
  readonly nodes: number;
  readonly verbose: boolean;
}

/** The services on this machine: the tracker and the metrics service in this process, each node in its own. */
export class Swarm {
  /** Of who may change something. */
  readonly token: string;
  readonly services: Services;
  readonly seeder: SwarmNode;
  readonly nodes: readonly SwarmNode[];
  /** For clients that are no nodes. */
  readonly announceUrl: string;
  /** Of the page of the metrics service. */
  readonly #page: string;
  readonly #tracker: RunningTrackerService;
  readonly #metrics: RunningMetricsService;

  private constructor(
    tracker: RunningTrackerService,
    metrics: RunningMetricsService,
    services: Services,
    token: string,
    options: SwarmOptions,
  ) {
    this.#tracker = tracker;
    this.#metrics = metrics;
    this.services = services;
    this.token = token;
    this.announceUrl = `http://${HOST}:${tracker.ports.http}/announce`;
    this.#page = `http://${HOST}:${metrics.ports.http}/`;
    const env = {
      PEER_HOST: HOST,
      PEER_ADVERTISE: HOST,
      PEER_PORT: '0',
      PEER_HTTP_PORT: '0',
      PEER_GRPC_PORT: '0',
      PEER_OPS_PORT: 'off',
      PEER_TRACKER: services.server,
      PEER_METRICS: `${HOST}:${metrics.ports.grpc}`,
      PEER_TOKEN: token,
      PEER_ANNOUNCE: this.announceUrl,
      // All of them go at the same time: nobody is left to give something to.
      PEER_DRAIN_TIMEOUT: '0s',
    };
    const start = (name: string): SwarmNode =>
      new SwarmNode(name, join(options.folder, name), env, options.verbose);
    this.seeder = start('seeder');
    this.nodes = Array.from({ length: options.nodes }, (_, index) => start(`node-${index + 1}`));
  }

  /** The nodes are not ready yet. @throws the system's error where nothing can listen */
  static async start(options: SwarmOptions, { logger }: Context): Promise<Swarm> {
    const tracker = await bootstrapTracker(readTrackerConfig(TRACKER), { logger });
    const METRICS_TRACKER = `${HOST}:${tracker.ports.grpc}`;
    const metrics = await bootstrapMetrics(readMetricsConfig({ ...METRICS, METRICS_TRACKER }), { logger });
    const token = randomBytes(24).toString('base64url');
    const services = await Services.open({ server: { host: HOST, port: tracker.ports.grpc! }, token });
    return new Swarm(tracker, metrics, services, token, options);
  }

  /** Of the gateway of a node: what of the content it is asked for. */
  async contentUrl(node: SwarmNode, name: string): Promise<string> {
    return `http://${HOST}:${(await node.ready).http}/v1/content/${name}`;
  }

  /** Of the page that shows how content spreads. */
  pageUrl(name: string): string {
    return `${this.#page}#/swarms/${encodeURIComponent(`${name}@1`)}`;
  }

  async close(): Promise<void> {
    this.services.close();
    await Promise.all([this.seeder, ...this.nodes].map((node) => node.stop()));
    await Promise.all([this.#tracker.close(), this.#metrics.close()]);
  }
}
