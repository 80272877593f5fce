/** Time as milliseconds on a monotonic scale with an arbitrary zero; fractions are kept. */
export interface Clock {
  now(): number;
}

/** A callback that is due once; cancelling it twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Where timers come from: the machine's clock, or the virtual time of a simulation. */
export interface Timers {
  /** Runs `callback` once, `delay` milliseconds from now. */
  after(delay: number, callback: () => void): Timer;
}
