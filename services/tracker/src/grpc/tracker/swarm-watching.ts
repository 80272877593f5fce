import { StatusError, toServiceError } from '@pixtorrent/service-kit';
import { watchAskedFor } from './swarm-messages.ts';
import {
  SwarmWatcher,
  type SwarmWatcherDependencies,
  type SwarmWatcherOptions,
  type WatchCall,
} from './swarm-watcher.ts';

export interface SwarmWatchingOptions extends Pick<SwarmWatcherOptions, 'maxSwarms' | 'maxStall'> {
  readonly maxWatchers: number;
}

/** All calls of WatchSwarms that are under way. */
export class SwarmWatching {
  readonly #deps: Omit<SwarmWatcherDependencies, 'call'>;
  readonly #options: SwarmWatchingOptions;
  readonly #watchers = new Map<SwarmWatcher, Promise<void>>();
  #closed = false;

  constructor(dependencies: Omit<SwarmWatcherDependencies, 'call'>, options: SwarmWatchingOptions) {
    this.#deps = dependencies;
    this.#options = options;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  accept(call: WatchCall): void {
    try {
      if (this.#closed) throw goingAway();
      const { maxWatchers } = this.#options;
      if (this.#watchers.size >= maxWatchers)
        throw new StatusError('RESOURCE_EXHAUSTED', `${maxWatchers} watch here already: watch elsewhere`);
      const options = { ...this.#options, ...watchAskedFor(call.request) };
      const watcher = new SwarmWatcher({ ...this.#deps, call }, options);
      this.#watchers.set(
        watcher,
        watcher.run().finally(() => this.#watchers.delete(watcher)),
      );
    } catch (error) {
      call.emit('error', toServiceError(error, this.#deps.mapError));
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const runs = [...this.#watchers.values()];
    for (const watcher of this.#watchers.keys()) watcher.end(goingAway());
    await Promise.all(runs);
  }
}

function goingAway(): StatusError {
  return new StatusError('UNAVAILABLE', 'this tracker is about to end: watch again, elsewhere', {
    retryAfter: 0,
  });
}
