/** How much may be taken at once after a pause, milliseconds of the rate. */
const BURST = 100;

/**
 * A limit in bytes a second. A taker may take more than there is: the debt is waited off before the next, so
 * blocks of any length pass at the right rate on average.
 */
export class TokenBucket {
  #rate: number;
  #tokens: number;
  #updatedAt: number;
  readonly #listeners = new Set<() => void>();

  /** @param rate bytes a second; infinite for no limit */
  constructor(rate: number, now: number) {
    this.#rate = checked(rate) / 1000;
    this.#tokens = this.#capacity();
    this.#updatedAt = now;
  }

  /** Bytes a second; infinite for no limit. */
  get rate(): number {
    return this.#rate * 1000;
  }

  /** Those who wait are told: what they wait for may be there sooner. */
  setRate(rate: number, now: number): void {
    this.#refill(now);
    this.#rate = checked(rate) / 1000;
    // A debt from a rate that was lower, or from none, is not waited off at the new one.
    this.#tokens = Math.max(-this.#capacity(), Math.min(this.#tokens, this.#capacity()));
    for (const listener of this.#listeners) listener();
  }

  /** Calls back when the rate was changed. @returns ends that */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Milliseconds until something may be taken; 0 where it may now. */
  wait(now: number): number {
    if (this.#rate === Number.POSITIVE_INFINITY) return 0;
    this.#refill(now);
    return this.#tokens > 0 ? 0 : Math.max(1, (1 - this.#tokens) / this.#rate);
  }

  take(bytes: number, now: number): void {
    if (this.#rate === Number.POSITIVE_INFINITY) return;
    this.#refill(now);
    this.#tokens -= bytes;
  }

  #capacity(): number {
    return this.#rate * BURST;
  }

  #refill(now: number): void {
    if (this.#rate !== Number.POSITIVE_INFINITY) {
      this.#tokens = Math.min(this.#capacity(), this.#tokens + (now - this.#updatedAt) * this.#rate);
    }
    this.#updatedAt = now;
  }
}

/** The longest wait among several limits that all apply, milliseconds. */
export function waitForAll(buckets: readonly TokenBucket[], now: number): number {
  let wait = 0;
  for (const bucket of buckets) wait = Math.max(wait, bucket.wait(now));
  return wait;
}

export function takeFromAll(buckets: readonly TokenBucket[], bytes: number, now: number): void {
  for (const bucket of buckets) bucket.take(bytes, now);
}

function checked(rate: number): number {
  if (!(rate > 0)) throw new RangeError(`a rate limit is above 0 bytes a second, not ${rate}`);
  return rate;
}
