import type { Timers } from '@pixtorrent/core';

/** Waits for `delay` milliseconds, or until the signal is aborted. */
export function pause(timers: Timers, delay: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = timers.after(delay, end);
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted) end();
  });
}
