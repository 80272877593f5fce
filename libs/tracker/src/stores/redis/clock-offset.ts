import type { Clock } from '@pixtorrent/core';

/** Milliseconds after which the best guess is made anew: clocks drift. */
const WINDOW = 10_000;

/**
 * What time it is for Redis, by what it has told. An answer is on its way for some time, so of several guesses the highest
 * is the best, and is early by the time that the quickest answer took.
 */
export class ClockOffset {
  readonly #clock: Clock;
  #best = Number.NEGATIVE_INFINITY;
  #bestBefore = Number.NEGATIVE_INFINITY;
  #until: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#until = clock.now() + WINDOW;
  }

  /** Redis has just told its time. */
  learn(redisTime: number): void {
    const now = this.#clock.now();
    if (now >= this.#until) {
      this.#bestBefore = this.#best;
      this.#best = Number.NEGATIVE_INFINITY;
      this.#until = now + WINDOW;
    }
    if (redisTime - now > this.#best) this.#best = redisTime - now;
  }

  get known(): boolean {
    return this.#offset !== Number.NEGATIVE_INFINITY;
  }

  /** 0 as long as nothing is known. */
  redisNow(): number {
    return this.known ? this.#clock.now() + this.#offset : 0;
  }

  get #offset(): number {
    return Math.max(this.#best, this.#bestBefore);
  }
}
