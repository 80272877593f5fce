/** Time over which a pace is taken, milliseconds. */
const SPAN = 50;

/** How fast bytes pass just now, where a rate smoothed over seconds would come too late. */
export class Pace {
  #start = Number.NEGATIVE_INFINITY;
  #bytes = 0;
  #rate = 0;

  /** Bytes a millisecond. */
  get rate(): number {
    return Math.max(this.#rate, this.#bytes / SPAN);
  }

  add(bytes: number, now: number): void {
    const elapsed = now - this.#start;
    if (elapsed >= SPAN) {
      this.#rate = this.#bytes / elapsed;
      this.#start = now;
      this.#bytes = 0;
    }
    this.#bytes += bytes;
  }
}
