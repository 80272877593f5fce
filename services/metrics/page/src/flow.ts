/** Milliseconds by which what was before fades. */
const FADE = 6000;

/** What goes from one node to another lately, from the bytes of each report. */
export class Flow {
  #bytes: number;
  #at: number;

  constructor(bytes: number, now: number) {
    this.#bytes = bytes;
    this.#at = now;
  }

  add(bytes: number, now: number): void {
    this.#bytes = this.#left(now) + bytes;
    this.#at = now;
  }

  /** Bytes a second. */
  rate(now: number): number {
    return (this.#left(now) / FADE) * 1000;
  }

  #left(now: number): number {
    return this.#bytes * Math.exp((this.#at - now) / FADE);
  }
}
