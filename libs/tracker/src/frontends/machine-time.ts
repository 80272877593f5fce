import type { Clock, Timers } from '@pixtorrent/core';

/** The machine's time, for a tracker that is no service. Its timers do not keep the process alive. */
export const machineTime: { readonly clock: Clock; readonly wallClock: Clock; readonly timers: Timers } = {
  clock: performance,
  wallClock: Date,
  timers: {
    after(delay, callback) {
      const timer = setTimeout(callback, delay).unref();
      return { cancel: () => clearTimeout(timer) };
    },
  },
};
