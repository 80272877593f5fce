/** One at a time for each key, in the order of asking. */
export class Turns<Key> {
  /** The last in line for each key, where there is one. */
  readonly #last = new Map<Key, Promise<void>>();

  async take<T>(key: Key, work: () => Promise<T>): Promise<T> {
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
