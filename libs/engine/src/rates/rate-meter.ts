/** Time over which a rate is smoothed, milliseconds. */
const SPAN = 3000;

/** Bytes in all and bytes a second of late, exponentially smoothed and right from the first second on. */
export class RateMeter {
  #total = 0;
  #recent = 0;
  #updatedAt: number;
  readonly #startedAt: number;

  constructor(now: number) {
    this.#startedAt = now;
    this.#updatedAt = now;
  }

  /** Bytes since the start. */
  get total(): number {
    return this.#total;
  }

  add(bytes: number, now: number): void {
    this.#total += bytes;
    this.#decay(now);
    this.#recent += bytes;
  }

  /** Bytes a second. */
  rate(now: number): number {
    this.#decay(now);
    const covered = SPAN * (1 - Math.exp(-Math.max(now - this.#startedAt, 50) / SPAN));
    return (this.#recent / covered) * 1000;
  }

  #decay(now: number): void {
    if (now === this.#updatedAt) return;
    this.#recent *= Math.exp((this.#updatedAt - now) / SPAN);
    this.#updatedAt = now;
  }
}
