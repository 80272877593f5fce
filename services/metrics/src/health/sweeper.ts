import type { Timer, Timers } from '@pixtorrent/core';
import type { SwarmHealth } from '@pixtorrent/swarm-health';

/** Milliseconds. */
const PERIOD = 1000;

/** Lets go of nodes that have fallen silent. */
export class Sweeper {
  readonly #health: SwarmHealth;
  readonly #timers: Timers;
  #timer: Timer | undefined;

  constructor(health: SwarmHealth, timers: Timers) {
    this.#health = health;
    this.#timers = timers;
    this.#schedule();
  }

  close(): void {
    this.#timer?.cancel();
  }

  #schedule(): void {
    this.#timer = this.#timers.after(PERIOD, () => {
      this.#health.sweep();
      this.#schedule();
    });
  }
}
