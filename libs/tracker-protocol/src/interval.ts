/** Seconds between announces: what a tracker says is brought into this range. */
export const MIN_INTERVAL = 5;
export const MAX_INTERVAL = 86_400;
/** Seconds, where a tracker says nothing of use. */
export const DEFAULT_INTERVAL = 1800;

/** A time of a tracker's answer, seconds, as it can be acted on. */
export function clampInterval(value: unknown): number {
  if (typeof value === 'bigint') return value < 0n ? DEFAULT_INTERVAL : MAX_INTERVAL;
  if (typeof value !== 'number' || value <= 0) return DEFAULT_INTERVAL;
  return Math.min(Math.max(value, MIN_INTERVAL), MAX_INTERVAL);
}
