const MOST = 512;

/** Keys in their order, in runs of up to 512, so that adding and deleting move few however many there are. */
export class SortedKeys {
  readonly #runs: string[][] = [];

  add(key: string): void {
    const at = Math.max(0, this.#runFor(key));
    const run = this.#runs[at];
    if (run === undefined) {
      this.#runs.push([key]);
      return;
    }
    run.splice(indexFrom(run, key), 0, key);
    if (run.length > MOST) this.#runs.splice(at + 1, 0, run.splice(MOST / 2));
  }

  /** Takes out a key that is there. */
  delete(key: string): void {
    const at = this.#runFor(key);
    const run = this.#runs[at]!;
    run.splice(indexFrom(run, key), 1);
    if (run.length === 0) this.#runs.splice(at, 1);
  }

  /** The first key that comes after `key`, which need not be there. */
  after(key: string): string | undefined {
    const at = Math.max(0, this.#runFor(key));
    const run = this.#runs[at];
    if (run === undefined) return undefined;
    const index = indexFrom(run, key);
    return (run[index] === key ? run[index + 1] : run[index]) ?? this.#runs[at + 1]?.[0];
  }

  clear(): void {
    this.#runs.length = 0;
  }

  /** The last run that begins with `key` or before it. */
  #runFor(key: string): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#runs[middle]![0]! <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function indexFrom(run: readonly string[], key: string): number {
  let low = 0;
  let high = run.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (run[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
