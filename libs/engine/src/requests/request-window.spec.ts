import { BLOCK_LENGTH } from '@pixtorrent/peer-protocol';
import { describe, expect, it } from 'vitest';
import { RequestWindow } from './request-window.ts';

const OPTIONS = { initial: 256 * 1024, maximum: 64 * 1024 * 1024, queueTarget: 200 };

/**
 * A pipe that gives `rate` bytes a millisecond, `delay` ms after the request, in blocks of `length`, kept full by the
 * window for `duration` ms. The rate and delay may change with time.
 */
function run(
  window: RequestWindow,
  pipe: { rate: (now: number) => number; delay: number; length?: number },
  duration: number,
  start = 0,
): { largest: number; delivered: number; end: number } {
  const length = pipe.length ?? BLOCK_LENGTH;
  const queue: { sent: number; arrives: number }[] = [];
  let now = start;
  let free = start;
  let outstanding = 0;
  let largest = 0;
  let delivered = 0;
  while (now < start + duration) {
    while (outstanding === 0 || outstanding < window.size) {
      if (outstanding === 0) window.resume(now);
      free = Math.max(free, now + pipe.delay) + length / pipe.rate(now);
      queue.push({ sent: now, arrives: free });
      outstanding += length;
    }
    const { sent, arrives } = queue.shift()!;
    now = arrives;
    outstanding -= length;
    delivered += length;
    window.begin(sent);
    window.delivered(length, now);
    largest = Math.max(largest, window.size);
  }
  return { largest, delivered, end: now };
}

describe('the request window', () => {
  it('grows until the pipe is full, whatever its rate and delay', () => {
    for (const rate of [10, 1000, 100_000, 1_000_000]) {
      for (const delay of [0.2, 10, 100]) {
        const window = new RequestWindow(OPTIONS);
        const warm = run(window, { rate: () => rate, delay }, 5000);
        const { delivered } = run(window, { rate: () => rate, delay }, 2000, warm.end);
        const reachable = Math.min(rate, OPTIONS.maximum / delay);
        expect(delivered / 2000 / reachable, `${rate} bytes/ms, ${delay} ms`).toBeGreaterThan(0.9);
      }
    }
  });

  it('does not grow on and on where the pipe has been full for a long time', () => {
    for (const rate of [100, 1000, 20_000]) {
      for (const delay of [0.2, 50]) {
        const window = new RequestWindow(OPTIONS);
        const { largest } = run(window, { rate: () => rate, delay }, 600_000);
        const product = rate * (delay + OPTIONS.queueTarget + BLOCK_LENGTH / rate);
        expect(largest, `${rate} bytes/ms, ${delay} ms`).toBeLessThan(3 * Math.max(product, OPTIONS.initial));
      }
    }
  });

  it('keeps a full pipe full while it measures the delay anew', () => {
    const window = new RequestWindow(OPTIONS);
    const { delivered } = run(window, { rate: () => 20_000, delay: 20 }, 120_000);
    expect(delivered / 120_000 / 20_000).toBeGreaterThan(0.95);
  });

  it('follows a pipe that becomes slower, and one that becomes longer', () => {
    const window = new RequestWindow(OPTIONS);
    const fast = run(window, { rate: () => 20_000, delay: 1 }, 20_000);
    const slow = run(window, { rate: () => 500, delay: 1 }, 30_000, fast.end);
    expect(window.size).toBeLessThan(3 * 500 * (OPTIONS.queueTarget + 1 + BLOCK_LENGTH / 500));
    const long = run(window, { rate: () => 20_000, delay: 300 }, 30_000, slow.end);
    const { delivered } = run(window, { rate: () => 20_000, delay: 300 }, 3000, long.end);
    expect(delivered / 3000 / 20_000).toBeGreaterThan(0.9);
  });

  it('never exceeds its maximum, and stays small where a block takes seconds', () => {
    const window = new RequestWindow({ ...OPTIONS, maximum: 1024 * 1024 });
    expect(run(window, { rate: () => 100_000, delay: 100 }, 20_000).largest).toBe(1024 * 1024);
    const tiny = new RequestWindow(OPTIONS);
    run(tiny, { rate: () => 1, delay: 1 }, 600_000);
    expect(tiny.size).toBeLessThanOrEqual(3 * BLOCK_LENGTH);
  });

  it('collapses to a block, and recovers when answers come again', () => {
    const window = new RequestWindow(OPTIONS);
    const first = run(window, { rate: () => 20_000, delay: 10 }, 5000);
    window.collapse();
    expect(window.size).toBe(BLOCK_LENGTH);
    const second = run(window, { rate: () => 20_000, delay: 10 }, 3000, first.end + 15_000);
    const { delivered } = run(window, { rate: () => 20_000, delay: 10 }, 2000, second.end);
    expect(delivered / 2000 / 20_000).toBeGreaterThan(0.9);
  });
});
