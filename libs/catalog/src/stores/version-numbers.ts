/**
 * Which version comes next. The last number of a name outlives its versions; of names that are gone it is kept for the
 * ones that went last, and new names begin above the numbers of those that were forgotten.
 */
export class VersionNumbers {
  readonly #maxRetired: number;
  readonly #last = new Map<string, number>();
  /** Names that are gone, in the order in which they went. */
  readonly #retired = new Set<string>();
  #floor = 0;

  constructor(maxRetired: number) {
    this.#maxRetired = maxRetired;
  }

  /** @param after the number is greater */
  next(name: string, after: number): number {
    return Math.max(this.#last.get(name) ?? this.#floor, after) + 1;
  }

  /** A number of a name has been used. */
  used(name: string, number: number): void {
    this.#last.set(name, Math.max(this.#last.get(name) ?? this.#floor, number));
  }

  /** The name has a version again. */
  unretire(name: string): void {
    this.#retired.delete(name);
  }

  /** The name, which has a number, has no version any more. */
  retire(name: string): void {
    this.#retired.add(name);
    if (this.#retired.size <= this.#maxRetired) return;
    const oldest = this.#retired.values().next().value!;
    this.#floor = Math.max(this.#floor, this.#last.get(oldest)!);
    this.#retired.delete(oldest);
    this.#last.delete(oldest);
  }
}
