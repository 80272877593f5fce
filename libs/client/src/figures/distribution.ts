/** A distribution at one moment. */
export interface DistributionFigures {
  /** Upper bounds of the buckets, inclusive and ascending; values above the last are in one more bucket. */
  readonly bounds: readonly number[];
  /** Values in each bucket, one more than there are bounds; not cumulative. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Counts values in fixed buckets: recording one allocates nothing. */
export class Distribution {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  record(value: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#sum += value;
  }

  figures(): DistributionFigures {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum };
  }
}
