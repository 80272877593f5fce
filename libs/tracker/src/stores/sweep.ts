import type { Timer, Timers } from '@pixtorrent/core';

/** Milliseconds from one look at a thing to the next, and into how many steps the work is cut. */
const ROUND = 5000;
const STEPS = 20;

/** Looks at everything in a map every five seconds, a few at a time, as long as there is anything in it. */
export class Sweep<T> {
  readonly #timers: Timers;
  readonly #things: ReadonlyMap<string, T>;
  readonly #lookAt: (things: readonly T[]) => void;
  #iterator: Iterator<T> | undefined;
  #timer: Timer | undefined;

  constructor(timers: Timers, things: ReadonlyMap<string, T>, lookAt: (things: readonly T[]) => void) {
    this.#timers = timers;
    this.#things = things;
    this.#lookAt = lookAt;
  }

  /** Something has come into the map. */
  start(): void {
    this.#timer ??= this.#timers.after(ROUND / STEPS, this.#step);
  }

  close(): void {
    this.#timer?.cancel();
  }

  readonly #step = (): void => {
    const due: T[] = [];
    const most = Math.ceil(this.#things.size / STEPS);
    this.#iterator ??= this.#things.values();
    while (due.length < most) {
      const next = this.#iterator.next();
      if (next.done) {
        this.#iterator = undefined;
        break;
      }
      due.push(next.value);
    }
    this.#timer = undefined;
    this.#lookAt(due);
    if (this.#things.size > 0) this.start();
  };
}
