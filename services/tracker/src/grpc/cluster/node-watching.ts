import { StatusError, toServiceError } from '@pixtorrent/service-kit';
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
  readonly #watchers = new Map<NodeWatcher, Promise<void>>();
  #closed = false;

  constructor(dependencies: NodeWatchingDependencies, options: NodeWatchingOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  accept(call: WatchNodesCall): void {
    const { metrics, mapError } = this.#dependencies;
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      call.emit('error', toServiceError(refusal, mapError));
      return;
    }
    const watcher = new NodeWatcher({ ...this.#dependencies, call, events: this.#events }, this.#options);
    const run = watcher.run().finally(() => {
      this.#watchers.delete(watcher);
      if (watcher.slow) metrics.slow.inc();
    });
    this.#watchers.set(watcher, run);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const runs = [...this.#watchers.values()];
    for (const watcher of this.#watchers.keys()) watcher.end(goingAway());
    await Promise.all(runs);
  }

  #refusal(): StatusError | undefined {
    const { maxWatchers } = this.#options;
    if (this.#closed) return goingAway();
    if (this.#watchers.size >= maxWatchers)
      return new StatusError('RESOURCE_EXHAUSTED', `${maxWatchers} watch here already: watch elsewhere`);
    return undefined;
  }
}

function goingAway(): StatusError {
  return new StatusError('UNAVAILABLE', 'this service is about to end: watch again, elsewhere', {
    retryAfter: 0,
  });
}
