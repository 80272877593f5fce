import type { ServerWritableStream } from '@grpc/grpc-js';
import type { metrics as wire } from '@pixtorrent/contracts';
import type { Timer, Timers } from '@pixtorrent/core';
import { type ErrorMapper, StatusError, toServiceError } from '@pixtorrent/service-kit';
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
  readonly #over = Promise.withResolvers<void>();
  #timer: Timer | undefined;
  #first = true;
  #isOver = false;

  constructor(dependencies: SwarmWatcherDependencies, asked: WatchAsked) {
    this.#deps = dependencies;
    this.#asked = asked;
  }

  /** Fulfilled when the call is over, whyever. */
  run(): Promise<void> {
    const { call } = this.#deps;
    call.once('cancelled', () => this.#stop());
    if (call.cancelled) this.#stop();
    else this.#look();
    return this.#over.promise;
  }

  /** Ends the call with a status. */
  end(error: StatusError): void {
    if (this.#isOver) return;
    this.#stop();
    this.#deps.call.emit('error', toServiceError(error, this.#deps.mapError));
  }

  #stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#told.clear();
    this.#over.resolve();
  }

  #look(): void {
    const { health } = this.#deps;
    const { keys, interval, nodes } = this.#asked;
    const changed: [string, Swarm][] = [];
    for (const key of keys.length > 0 ? keys : health.swarms.keys()) {
      const swarm = health.swarms.get(key);
      const told = this.#told.get(key);
      if (swarm !== undefined && (told?.swarm !== swarm || told.version !== swarm.version))
        changed.push([key, swarm]);
    }
    const gone = [...this.#told.keys()].filter((key) => !health.swarms.has(key));
    for (const key of gone) this.#told.delete(key);
    const next = (): void => {
      this.#timer = this.#deps.timers.after(interval, () => this.#look());
    };
    if (!this.#first && changed.length === 0 && gone.length === 0) next();
    else this.#tell(changed, gone, nodes ? 1 : STEP, next);
    this.#first = false;
  }

  /** A message after the other, each when that before has gone out, which it does as the client reads. */
  #tell(changed: [string, Swarm][], gone: string[], step: number, done: () => void): void {
    if (this.#isOver) return;
    const { call, health, timers } = this.#deps;
    const part = changed.splice(0, step);
    const swarms = part.map(([key, swarm]) => {
      this.#told.set(key, { swarm, version: swarm.version });
      return swarmMessage(health, swarm, this.#asked.nodes);
    });
    this.#timer = timers.after(MAX_STALL, () =>
      this.end(
        new StatusError('ABORTED', 'what is told is not read here: watch again', { retryAfter: 1000 }),
      ),
    );
    call.write({ swarms, gone: gone.map((key) => Buffer.from(key, 'hex')) }, () => {
      this.#timer?.cancel();
      if (this.#isOver) return;
      if (changed.length > 0) this.#tell(changed, [], step, done);
      else done();
    });
  }
}
