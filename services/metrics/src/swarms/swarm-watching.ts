import { ToldCalls } from '@pixtorrent/service-kit';
import { watchAskedFor } from './swarm-requests.ts';
import { SwarmWatcher, type SwarmWatcherDependencies, type WatchCall } from './swarm-watcher.ts';

/** All calls of WatchSwarms that are under way. */
export class SwarmWatching {
  readonly #deps: Omit<SwarmWatcherDependencies, 'call'>;
  readonly #calls: ToldCalls<SwarmWatcher>;

  constructor(dependencies: Omit<SwarmWatcherDependencies, 'call'>, maxWatchers: number) {
    this.#deps = dependencies;
    this.#calls = new ToldCalls(dependencies.mapError, maxWatchers);
  }

  get watchers(): number {
    return this.#calls.size;
  }

  accept(call: WatchCall): void {
    this.#calls.accept(call, () => new SwarmWatcher({ ...this.#deps, call }, watchAskedFor(call.request)));
  }

  close(): Promise<void> {
    return this.#calls.close();
  }
}
