import { ToldCalls } from '@pixtorrent/service-kit';
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
  readonly #calls: ToldCalls<SwarmWatcher>;

  constructor(dependencies: Omit<SwarmWatcherDependencies, 'call'>, options: SwarmWatchingOptions) {
    this.#deps = dependencies;
    this.#options = options;
    this.#calls = new ToldCalls(dependencies.mapError, options.maxWatchers);
  }

  get watchers(): number {
    return this.#calls.size;
  }

  accept(call: WatchCall): void {
    this.#calls.accept(call, () => {
      const options = { ...this.#options, ...watchAskedFor(call.request) };
      return new SwarmWatcher({ ...this.#deps, call }, options);
    });
  }

  close(): Promise<void> {
    return this.#calls.close();
  }
}
