import type { Clock, Timer, Timers } from '@pixtorrent/core';

interface Waiting {
  readonly due: number;
  readonly expire: () => void;
  done: boolean;
}

/**
 * One deadline for many calls: all have the same time, so they fall due in the order in which they were made, and one
 * timer serves them all.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #milliseconds: number;
  readonly #queue: Waiting[] = [];
  #timer: Timer | undefined;

  constructor({ clock, timers }: { readonly clock: Clock; readonly timers: Timers }, milliseconds: number) {
    this.#clock = clock;
    this.#timers = timers;
    this.#milliseconds = milliseconds;
  }

  /** The result of `call`, or the error of `late` when it takes too long; what comes then is passed over. */
  within<T>(call: Promise<T>, late: () => Error): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiting: Waiting = {
        due: this.#clock.now() + this.#milliseconds,
        expire: () => reject(late()),
        done: false,
      };
      this.#queue.push(waiting);
      this.#timer ??= this.#timers.after(this.#milliseconds, this.#check);
      call.then(
        (value) => {
          waiting.done = true;
          resolve(value);
        },
        (error) => {
          waiting.done = true;
          reject(error);
        },
      );
    });
  }

  /** What still waits waits for as long as the calls take by themselves. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /**
   * Whoever is due has one more turn: where this process was held up, the answer may be there already, and not have been
   * read.
   */
  readonly #check = (): void => {
    const now = this.#clock.now();
    const next = this.#first();
    if (next === undefined) this.#timer = undefined;
    else if (next.due > now) this.#timer = this.#timers.after(next.due - now, this.#check);
    else this.#timer = this.#timers.after(0, () => this.#expire(now));
  };

  #expire(now: number): void {
    for (let next = this.#first(); next !== undefined && next.due <= now; next = this.#first()) {
      next.done = true;
      next.expire();
    }
    this.#check();
  }

  /** The first that still waits; forgets those before it. */
  #first(): Waiting | undefined {
    let done = 0;
    while (this.#queue[done]?.done === true) done++;
    if (done > 0) this.#queue.splice(0, done);
    return this.#queue[0];
  }
}
