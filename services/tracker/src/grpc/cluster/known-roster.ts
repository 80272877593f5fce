import type { Roster } from '@pixtorrent/cluster';
import type { Timers } from '@pixtorrent/core';
import { StatusError } from '@pixtorrent/service-kit';

/** Milliseconds after which it is worth asking again. */
const PAUSE = 1000;

/**
 * Fulfilled when all nodes are known here.
 * @param maxWait milliseconds
 * @throws StatusError where they are not by then
 */
export async function whenKnown(roster: Roster, timers: Timers, maxWait: number): Promise<void> {
  if (roster.ready) return;
  const late = Promise.withResolvers<void>();
  const timer = timers.after(maxWait, late.resolve);
  await Promise.race([roster.whenReady(), late.promise]);
  timer.cancel();
  if (!roster.ready)
    throw new StatusError('UNAVAILABLE', 'the nodes are not known here yet', { retryAfter: PAUSE });
}
