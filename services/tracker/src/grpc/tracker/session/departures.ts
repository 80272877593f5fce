import { type Logger, printable, type Timer, type Timers } from '@pixtorrent/core';
import type { PeerStore } from '@pixtorrent/tracker';
import type { SessionSwarm } from './session-swarm.ts';
import { inSteps } from './stored.ts';

/** Peers that wait at the most; more go at once. */
const MAX_WAITING = 1_000_000;

export interface DeparturesDependencies {
  readonly store: Pick<PeerStore, 'restore'>;
  readonly timers: Timers;
  readonly logger: Logger;
}

interface Departure {
  readonly swarms: readonly SessionSwarm[];
  readonly timer: Timer;
  readonly done: () => void;
}

/**
 * Peers whose stream is over. They are kept for a while, so that they can come back; the store leaves alone those that
 * it has heard of since, through whichever tracker.
 */
export class Departures {
  readonly #dependencies: DeparturesDependencies;
  readonly #grace: number;
  readonly #departures = new Map<Departure, Promise<void>>();
  #waiting = 0;

  /** @param grace milliseconds */
  constructor(dependencies: DeparturesDependencies, grace: number) {
    this.#dependencies = dependencies;
    this.#grace = grace;
  }

  /** Peers that are kept. */
  get waiting(): number {
    return this.#waiting;
  }

  add(swarms: readonly SessionSwarm[]): void {
    if (swarms.length === 0) return;
    const { promise, resolve: done } = Promise.withResolvers<void>();
    const full = this.#waiting + swarms.length > MAX_WAITING;
    const timer = this.#dependencies.timers.after(full ? 0 : this.#grace, () => this.#finish(departure));
    const departure: Departure = { swarms, timer, done };
    this.#departures.set(departure, promise);
    this.#waiting += swarms.length;
  }

  /** Lets those go that have not come back within `wait` milliseconds. */
  async close(wait: number): Promise<void> {
    const all = Promise.all(this.#departures.values());
    const timer = this.#dependencies.timers.after(wait, () => {
      for (const departure of this.#departures.keys()) this.#finish(departure);
    });
    await all;
    timer.cancel();
  }

  async #finish(departure: Departure): Promise<void> {
    const { swarms, timer, done } = departure;
    if (!this.#departures.delete(departure)) return;
    timer.cancel();
    this.#waiting -= swarms.length;
    const { store, logger } = this.#dependencies;
    try {
      for (const peers of inSteps(swarms, (swarm) => swarm.departed())) await store.restore(peers);
    } catch (error) {
      // Their time in the store runs out anyway.
      logger.warn('peers could not be let go', {
        peers: swarms.length,
        reason: printable(String(error)),
      });
    }
    done();
  }
}
