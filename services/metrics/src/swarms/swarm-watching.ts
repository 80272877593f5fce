import { StatusError, toServiceError } from '@pixtorrent/service-kit';
import { watchAskedFor } from './swarm-requests.ts';
import { SwarmWatcher, type SwarmWatcherDependencies, type WatchCall } from './swarm-watcher.ts';

/** All calls of WatchSwarms that are under way. */
export class SwarmWatching {
  readonly #deps: Omit<SwarmWatcherDependencies, 'call'>;
  readonly #maxWatchers: number;
  readonly #watchers = new Set<SwarmWatcher>();
  #closed = false;

  constructor(dependencies: Omit<SwarmWatcherDependencies, 'call'>, maxWatchers: number) {
    this.#deps = dependencies;
    this.#maxWatchers = maxWatchers;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  accept(call: WatchCall): void {
    try {
      if (this.#closed) throw goingAway();
      if (this.#watchers.size >= this.#maxWatchers)
        throw new StatusError(
          'RESOURCE_EXHAUSTED',
          `${this.#maxWatchers} watch here already: watch elsewhere`,
        );
      const watcher = new SwarmWatcher({ ...this.#deps, call }, watchAskedFor(call.request));
      this.#watchers.add(watcher);
      watcher.run().then(() => this.#watchers.delete(watcher));
    } catch (error) {
      call.emit('error', toServiceError(error, this.#deps.mapError));
    }
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers) watcher.end(goingAway());
  }
}

function goingAway(): StatusError {
  return new StatusError('UNAVAILABLE', 'this service is about to end: watch again, elsewhere', {
    retryAfter: 0,
  });
}
