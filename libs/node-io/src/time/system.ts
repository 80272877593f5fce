import type { Clock, Timer, Timers } from '@pixtorrent/core';

/** The machine's monotonic clock; zero is the start of the process. */
export const systemClock: Clock = { now: () => performance.now() };

/** The machine's timers. One that is pending keeps the process alive. */
export const systemTimers: Timers = timers(true);

/** The machine's timers for work that a process need not stay alive for: progress, checkpoints, re-announces. */
export const backgroundTimers: Timers = timers(false);

function timers(keepAlive: boolean): Timers {
  return {
    after(delay: number, callback: () => void): Timer {
      // A timer takes a millisecond at least.
      if (delay <= 0) {
        const soon = setImmediate(callback);
        if (!keepAlive) soon.unref();
        return { cancel: () => clearImmediate(soon) };
      }
      const timer = setTimeout(callback, delay);
      if (!keepAlive) timer.unref();
      return { cancel: () => clearTimeout(timer) };
    },
  };
}
