import type { Timers } from '@pixtorrent/core';

/** Time that passes when it is told to, for what waits for one thing at a time. */
export class ManualTimers implements Timers {
  /** Milliseconds that were asked for, so far. */
  readonly delays: number[] = [];
  #pending: (() => void) | undefined;

  after(delay: number, callback: () => void) {
    this.delays.push(delay);
    this.#pending = callback;
    return {
      cancel: () => {
        this.#pending = undefined;
      },
    };
  }

  get waiting(): boolean {
    return this.#pending !== undefined;
  }

  /** What was asked for last is due. */
  pass(): void {
    const due = this.#pending;
    this.#pending = undefined;
    due?.();
  }
}
