/**
 * One at a time for each key, in the order of asking. Writes to one file: the kernel lets only one thread write to a
 * file, and those who wait spin for it. With four at once a tenth of a download's CPU went there.
 */
export class Turns {
  /** The last in line for each key, where there is one. */
  readonly #last = new Map<number, Promise<void>>();

  async take<T>(key: number, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last.set(key, promise);
    try {
      if (before) await before;
      return await work();
    } finally {
      if (this.#last.get(key) === promise) this.#last.delete(key);
      resolve();
    }
  }
}
