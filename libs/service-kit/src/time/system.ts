import type { Clock, Timer, Timers } from '@pixtorrent/core';

/** The machine's monotonic clock. */
export const systemClock: Clock = { now: () => performance.now() };

/** Milliseconds since 1970; may jump when the machine's time is set. */
export const wallClock: Clock = { now: () => Date.now() };

/** The machine's timers. A service lives by what it listens on, never by a timer alone. */
export const systemTimers: Timers = {
  after(delay: number, callback: () => void): Timer {
    const timer = setTimeout(callback, delay).unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
