/** Milliseconds by which what was before fades. */
const FADE = 5000;
/** Milliseconds: what comes closer together counts as one. */
const SHORTEST = 250;

/** Bytes a second from what a counter gained between reports, by the time at which they came. */
export class Rate {
  #at: number;
  #pending = 0;
  #value: number | undefined;

  constructor(now: number) {
    this.#at = now;
  }

  get value(): number {
    return this.#value ?? 0;
  }

  add(bytes: number, now: number): void {
    this.#pending += bytes;
    const took = now - this.#at;
    if (took < SHORTEST) return;
    const rate = (this.#pending / took) * 1000;
    this.#value =
      this.#value === undefined ? rate : this.#value + (rate - this.#value) * (1 - Math.exp(-took / FADE));
    this.#at = now;
    this.#pending = 0;
  }
}
