import type { Clock, Timer, Timers } from '@pixtorrent/core';

interface Waiting {
  readonly due: number;
  /** Undefined once the call is over: nothing of it is to be kept in memory until it would have been due. */
  expire: (() => void) | undefined;
}

/** Places of calls that are over, at the front of the queue, from which on they are given back. */
const MANY = 1024;

/**
 * One deadline for many calls: all have the same time, so they fall due in the order in which they were made, and one
 * timer serves them all.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #milliseconds: number;
  readonly #queue: Waiting[] = [];
  /** How many of the queue's first are over. */
  #over = 0;
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
      };
      this.#queue.push(waiting);
      this.#timer ??= this.#timers.after(this.#milliseconds, this.#check);
      call.then(
        (value) => {
          this.#finish(waiting);
          resolve(value);
        },
        (error) => {
          this.#finish(waiting);
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
      const { expire } = next;
      this.#finish(next);
      expire?.();
    }
    this.#check();
  }

  #finish(waiting: Waiting): void {
    waiting.expire = undefined;
    this.#first();
  }

  /** The first that still waits; forgets those before it. */
  #first(): Waiting | undefined {
    const queue = this.#queue;
    while (this.#over < queue.length && queue[this.#over]!.expire === undefined) this.#over++;
    if (this.#over === queue.length || this.#over >= MANY) {
      queue.splice(0, this.#over);
      this.#over = 0;
    }
    return queue[this.#over];
  }
}
