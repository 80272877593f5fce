import type { ServerWritableStream } from '@grpc/grpc-js';
import type { metrics as wire } from '@pixtorrent/contracts';
import type { Timers } from '@pixtorrent/core';
import { type ErrorMapper, ToldCall } from '@pixtorrent/service-kit';
import type { Swarm, SwarmHealth } from '@pixtorrent/swarm-health';
import { swarmMessage } from './swarm-messages.ts';
import type { WatchAsked } from './swarm-requests.ts';

export type WatchCall = ServerWritableStream<wire.WatchSwarmsRequest, wire.WatchSwarmsResponse>;

export interface SwarmWatcherDependencies {
  readonly call: WatchCall;
  readonly health: SwarmHealth;
  readonly timers: Timers;
  readonly mapError: ErrorMapper;
}

/** Milliseconds for which the client may leave unread what it is told. */
const MAX_STALL = 30_000;
/** Swarms in a message; with their nodes one each. */
const STEP = 1000;

/** One call of WatchSwarms: looks at the interval, and tells what is other than it was told. */
export class SwarmWatcher {
  readonly #deps: SwarmWatcherDependencies;
  readonly #asked: WatchAsked;
  readonly #told = new Map<string, { readonly swarm: Swarm; readonly version: number }>();
  readonly #call: ToldCall<wire.WatchSwarmsResponse>;
  #first = true;

  constructor(dependencies: SwarmWatcherDependencies, asked: WatchAsked) {
    this.#deps = dependencies;
    this.#asked = asked;
    this.#call = new ToldCall(dependencies, MAX_STALL);
  }

  run(): Promise<void> {
    return this.#call.run(async () => {
      while (!this.#call.over) {
        await this.#look();
        await this.#call.rest(this.#asked.interval);
      }
    });
  }

  end(error: unknown): void {
    this.#call.end(error);
  }

  async #look(): Promise<void> {
    const { health } = this.#deps;
    const { keys, nodes } = this.#asked;
    const changed: [string, Swarm][] = [];
    for (const key of keys.length > 0 ? keys : health.swarms.keys()) {
      const swarm = health.swarms.get(key);
      const told = this.#told.get(key);
      if (swarm !== undefined && (told?.swarm !== swarm || told.version !== swarm.version))
        changed.push([key, swarm]);
    }
    const gone = [...this.#told.keys()].filter((key) => !health.swarms.has(key));
    for (const key of gone) this.#told.delete(key);
    const step = nodes ? 1 : STEP;
    for (
      let at = 0;
      !this.#call.over && (this.#first || at < changed.length || gone.length > 0);
      at += step
    ) {
      this.#first = false;
      await this.#tell(changed.slice(at, at + step), gone.splice(0));
    }
  }

  #tell(changed: readonly [string, Swarm][], gone: readonly string[]): Promise<void> {
    const swarms = changed.map(([key, swarm]) => {
      this.#told.set(key, { swarm, version: swarm.version });
      return swarmMessage(this.#deps.health, swarm, this.#asked.nodes);
    });
    return this.#call.write({ swarms, gone: gone.map((key) => Buffer.from(key, 'hex')) });
  }
}
