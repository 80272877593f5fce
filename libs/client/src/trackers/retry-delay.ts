import type { Random } from '@pixtorrent/core';

/** Milliseconds. */
const FIRST = 5000;
const LONGEST = 300_000;

/**
 * How long to wait after `failures` fruitless rounds before this one: 5 s, doubling to 5 minutes, of which a random
 * half is taken off, so that the nodes of a cluster do not all come back to their tracker in the same moment.
 * @returns milliseconds
 */
export function retryDelay(failures: number, random: Random): number {
  const full = Math.min(FIRST * 2 ** Math.min(failures, 16), LONGEST);
  return full - random.below(full / 2 + 1);
}
