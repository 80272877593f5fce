import type { NodeState, Roster } from '@pixtorrent/cluster';
import type { Metrics } from '@pixtorrent/service-kit';

/**
 * - `left`: the node has said that it is about to end
 * - `lost`: the stream is over without that
 * - `silent`: nothing was said for as long as it was good
 * - `replaced`: the name has been registered by another stream
 * - `wrong`: what it said was refused
 * - `failed`: the cluster was full, or there is a fault
 * - `away`: this service goes away
 */
export type RegistrationEnd = 'left' | 'ended' | 'lost' | 'silent' | 'replaced' | 'wrong' | 'failed' | 'away';

/** What is there when metrics are read. */
export interface ClusterFigures {
  /** Open streams of nodes. */
  readonly registrations: number;
  readonly watchers: number;
}

const STATES: readonly NodeState[] = ['starting', 'ready', 'draining'];

/** What is counted of the cluster. */
export class ClusterMetrics {
  readonly ends;
  readonly slow;
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.ends = metrics.counter({
      name: 'cluster_registrations_ended_total',
      help: 'Streams of nodes that are over: left, lost, silent, replaced, wrong, failed or away',
      labels: ['reason'],
    });
    this.slow = metrics.counter({
      name: 'cluster_watchers_slow_total',
      help: 'Calls of WatchNodes that were ended because their clients did not read',
    });
  }

  /** Has `roster` and `read` asked whenever metrics are read. */
  follow(roster: Roster, read: () => ClusterFigures): void {
    const metrics = this.#metrics;
    metrics.gauge({
      name: 'cluster_nodes',
      help: 'Nodes of the cluster by state, those of other replicas too',
      labels: ['state'],
      collect(own) {
        const counts: Record<NodeState, number> = { starting: 0, ready: 0, draining: 0 };
        for (const { state } of roster.nodes()) counts[state]++;
        for (const state of STATES) own.set({ state }, counts[state]);
      },
    });
    metrics.gauge({
      name: 'cluster_stale',
      help: 'Whether the store of nodes does not answer: 1, and what is told may be old',
      collect: (own) => own.set(roster.stale ? 1 : 0),
    });
    metrics.gauge({
      name: 'cluster_registrations',
      help: 'Nodes that are registered here: open streams',
      collect: (own) => own.set(read().registrations),
    });
    metrics.gauge({
      name: 'cluster_watchers',
      help: 'Calls of WatchNodes',
      collect: (own) => own.set(read().watchers),
    });
  }
}
