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

/** What counters gained. @param before undefined where nothing was counted yet */
export function gained(before: TransferCounters | undefined, now: TransferCounters): Transfer {
  const fromZero = before === undefined || wentBack(before, now);
  const gain = nothingMoved();
  for (const key of KEYS) gain[key] = fromZero ? now[key] : now[key] - before[key];
  return gain;
}

export function add(sum: Transfer, gain: TransferCounters): void {
  for (const key of KEYS) sum[key] = bounded(sum[key] + gain[key]);
}

/** A count that goes on being one, whatever nodes say. */
export function bounded(count: number): number {
  return Math.min(count, Number.MAX_SAFE_INTEGER);
}
