/** Milliseconds. */
const MINUTE = 60_000;

/** What was counted within the last minutes: to a minute, in as many numbers. */
export class Recent {
  readonly #counts: Float64Array;
  /** Since the start of the clock. */
  #minute = 0;

  constructor(minutes: number) {
    this.#counts = new Float64Array(minutes);
  }

  /** @param now milliseconds */
  add(count: number, now: number): void {
    this.#turn(now);
    this.#counts[this.#minute % this.#counts.length]! += count;
  }

  sum(now: number): number {
    this.#turn(now);
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  #turn(now: number): void {
    const minute = Math.floor(now / MINUTE);
    const { length } = this.#counts;
    for (let n = Math.max(this.#minute + 1, minute - length + 1); n <= minute; n++)
      this.#counts[n % length] = 0;
    this.#minute = Math.max(this.#minute, minute);
  }
}
