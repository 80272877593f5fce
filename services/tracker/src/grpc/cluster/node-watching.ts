import { ToldCalls } from '@pixtorrent/service-kit';
import { NodeEvents } from './cluster-messages.ts';
import type { ClusterMetrics } from './cluster-metrics.ts';
import {
  NodeWatcher,
  type NodeWatcherDependencies,
  type NodeWatcherOptions,
  type WatchNodesCall,
} from './node-watcher.ts';

export interface NodeWatchingDependencies extends Omit<NodeWatcherDependencies, 'call' | 'events'> {
  readonly metrics: ClusterMetrics;
}

export interface NodeWatchingOptions extends NodeWatcherOptions {
  readonly maxWatchers: number;
}

/** All calls of WatchNodes that are under way. */
export class NodeWatching {
  readonly #dependencies: NodeWatchingDependencies;
  readonly #options: NodeWatchingOptions;
  readonly #events = new NodeEvents();
  readonly #calls: ToldCalls<NodeWatcher>;

  constructor(dependencies: NodeWatchingDependencies, options: NodeWatchingOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#calls = new ToldCalls(dependencies.mapError, options.maxWatchers);
  }

  get watchers(): number {
    return this.#calls.size;
  }

  accept(call: WatchNodesCall): void {
    const deps = { ...this.#dependencies, call, events: this.#events };
    this.#calls.accept(
      call,
      () => new NodeWatcher(deps, this.#options),
      ({ slow }) => {
        if (slow) this.#dependencies.metrics.slow.inc();
      },
    );
  }

  close(): Promise<void> {
    return this.#calls.close();
  }
}
