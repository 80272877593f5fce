import type { TransferCounters } from './report.ts';

export type Transfer = { -readonly [Key in keyof TransferCounters]: TransferCounters[Key] };

const KEYS = ['received', 'sent', 'duplicate', 'wasted', 'failed'] as const;

export function nothingMoved(): Transfer {
  return { received: 0, sent: 0, duplicate: 0, wasted: 0, failed: 0 };
}

/** Whether counters have begun again: one that went back has counted from zero since, and so have the others beside it. */
export function wentBack(before: TransferCounters | undefined, now: TransferCounters): boolean {
  return before !== undefined && KEYS.some((key) => now[key] < before[key]);
}

/** Of most torrents nothing moves between most reports. */
const NOTHING: TransferCounters = nothingMoved();

/** What counters gained. @param before undefined where nothing was counted yet */
export function gained(before: TransferCounters | undefined, now: TransferCounters): TransferCounters {
  if (before !== undefined && KEYS.every((key) => now[key] === before[key])) return NOTHING;
  const fromZero = before === undefined || wentBack(before, now);
  const gain = nothingMoved();
  for (const key of KEYS) gain[key] = fromZero ? now[key] : now[key] - before[key];
  return gain;
}

/** Has counters be as they are now, in the memory that they have. */
export function take(counters: Transfer, now: TransferCounters): Transfer {
  for (const key of KEYS) counters[key] = now[key];
  return counters;
}

export function add(sum: Transfer, gain: TransferCounters): void {
  if (gain === NOTHING) return;
  for (const key of KEYS) sum[key] = bounded(sum[key] + gain[key]);
}

/** A count that goes on being one, whatever nodes say. */
export function bounded(count: number): number {
  return Math.min(count, Number.MAX_SAFE_INTEGER);
}
