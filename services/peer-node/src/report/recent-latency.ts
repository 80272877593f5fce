import type { DistributionFigures } from '@pixtorrent/client';

/** Milliseconds that are looked back, and between two marks in them. */
const WINDOW = 60_000;
const STEP = 10_000;

/** The 99th percentile of what was counted in the last minute, by the bound of its bucket. */
export class RecentLatency {
  /** Counts as they were, the oldest first. */
  readonly #marks: { readonly at: number; readonly counts: readonly number[] }[] = [];

  /** @param now milliseconds @returns in the unit of the bounds; 0 where nothing was counted */
  look({ bounds, counts }: DistributionFigures, now: number): number {
    while (this.#marks.length > 1 && now - this.#marks[1]!.at >= WINDOW) this.#marks.shift();
    const before = this.#marks[0]?.counts;
    if (this.#marks.length === 0 || now - this.#marks.at(-1)!.at >= STEP)
      this.#marks.push({ at: now, counts });
    const recent = counts.map((count, bucket) => count - (before?.[bucket] ?? 0));
    const all = recent.reduce((sum, count) => sum + count, 0);
    let left = Math.ceil(all * 0.99);
    for (let bucket = 0; left > 0 && bucket < bounds.length; bucket++) {
      left -= recent[bucket]!;
      if (left <= 0) return bounds[bucket]!;
    }
    return all === 0 ? 0 : bounds.at(-1)!;
  }
}
