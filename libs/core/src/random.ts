/** A source of randomness: seeded, so that a run can be repeated. Not for secrets. */
export interface Random {
  /** A whole number with 0 ≤ result < bound; `bound` is from 1 to 2³². */
  below(bound: number): number;
}

/**
 * The 32-bit generator `sfc32`: 128 bits of state, passes PractRand, some 2 ns a draw.
 * The same seed gives the same sequence on every machine.
 */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = (seed / 2 ** 32) >>> 0;
    this.#c = 0x9e3779b9;
    for (let i = 0; i < 12; i++) this.#next();
  }

  below(bound: number): number {
    return Math.floor((this.#next() / 2 ** 32) * bound);
  }

  #next(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + result;
    this.#c |= 0;
    return result >>> 0;
  }
}

/** Shuffles in place, each order equally likely (Fisher and Yates). */
export function shuffle<T>(items: { length: number; [index: number]: T }, random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const item = items[i] as T;
    items[i] = items[j] as T;
    items[j] = item;
  }
}
