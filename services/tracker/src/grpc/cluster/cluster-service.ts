import type { Roster } from '@pixtorrent/cluster';
import { cluster as wire } from '@pixtorrent/contracts';
import type { Clock, Logger, Timers } from '@pixtorrent/core';
import { type GrpcService, loggingFaults, StatusError, unary } from '@pixtorrent/service-kit';
import { nodeMessage, statusOf } from './cluster-messages.ts';
import type { ClusterFigures, ClusterMetrics } from './cluster-metrics.ts';
import { whenKnown } from './known-roster.ts';
import type { WatchNodesCall } from './node-watcher.ts';
import { NodeWatching } from './node-watching.ts';
import { Registering } from './registering.ts';
import type { RegisterCall } from './registration.ts';

export interface ClusterServiceDependencies {
  /** Not closed with the service. */
  readonly roster: Roster;
  readonly timers: Timers;
  /** Tells milliseconds since 1970. */
  readonly wallClock: Clock;
  readonly logger: Logger;
  readonly metrics: ClusterMetrics;
}

export interface ClusterServiceOptions {
  /**
   * Calls of Register at the same time; more are refused.
   * @default 10,000
   */
  readonly maxRegistrations?: number;
  /**
   * Calls of WatchNodes at the same time; more are refused.
   * @default 10,000
   */
  readonly maxWatchers?: number;
  /**
   * Milliseconds between news of what a node has and how full it is.
   * @default 2,000
   */
  readonly pace?: number;
  /**
   * Milliseconds for which a watcher may read nothing of what is sent to it.
   * @default 60,000
   */
  readonly maxStall?: number;
  /**
   * Milliseconds for which a caller waits where the nodes are not known yet.
   * @default 5,000
   */
  readonly maxWait?: number;
}

export interface ClusterService extends GrpcService {
  /** As they are when it is read. */
  readonly figures: ClusterFigures;
  /** Sends away nodes and watchers, who are told to come back, elsewhere. */
  close(): Promise<void>;
}

/** Holdings in one answer: with the largest figures 22 MB, where 32 MiB may go out. */
const MAX_LISTED = 300_000;

/** What watchers are told is encoded before it is written, once for all of them. */
const definition = {
  ...wire.ClusterServiceService,
  watchNodes: { ...wire.ClusterServiceService.watchNodes, responseSerialize: (message: Buffer) => message },
};

/** pixtorrent.cluster.v1.ClusterService over a roster. */
export function clusterService(
  dependencies: ClusterServiceDependencies,
  options: ClusterServiceOptions = {},
): ClusterService {
  const { roster, timers, logger, metrics } = dependencies;
  const mapError = loggingFaults(logger, statusOf);
  const maxWait = options.maxWait ?? 5000;
  const registering = new Registering({ ...dependencies, mapError }, options.maxRegistrations ?? 10_000);
  const watching = new NodeWatching(
    { ...dependencies, mapError },
    {
      maxWatchers: options.maxWatchers ?? 10_000,
      pace: options.pace ?? 2000,
      maxStall: options.maxStall ?? 60_000,
      maxWait,
    },
  );
  const implementation = {
    register: (call: RegisterCall) => registering.accept(call),
    listNodes: unary<wire.ListNodesRequest, wire.ListNodesResponse>(async ({ holdings }) => {
      await whenKnown(roster, timers, maxWait);
      return listOf(roster, holdings);
    }, mapError),
    watchNodes: (call: WatchNodesCall) => watching.accept(call),
  };
  const service: ClusterService = {
    definition,
    implementation,
    get figures() {
      return { registrations: registering.streams, watchers: watching.watchers };
    },
    async close() {
      registering.close();
      await watching.close();
    },
  };
  metrics.follow(roster, () => service.figures);
  return service;
}

function listOf(roster: Roster, withHoldings: boolean): wire.ListNodesResponse {
  const nodes = [...roster.nodes()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const listed = withHoldings ? nodes.reduce((sum, { holdings }) => sum + holdings.length, 0) : 0;
  if (listed > MAX_LISTED)
    throw new StatusError(
      'RESOURCE_EXHAUSTED',
      `the nodes have ${listed} holdings, an answer has room for ${MAX_LISTED}: watch them`,
    );
  return { nodes: nodes.map((node) => nodeMessage(node, withHoldings)) };
}
