/** A slot that is none. */
export const NONE = -1;

// Words of a record that the order is kept in; the others are none of its business.
const EXPIRES = 0;
const OLDER = 1;
const NEWER = 2;
/** Words that it takes at the beginning of a record. */
export const ORDER_WORDS = 3;

/**
 * The order in which records of a table are due: a list through the records themselves, which the table hands in, for they
 * move when it grows. Times are whole milliseconds, of which the lower 32 bits are kept: those in a list at the same time
 * must lie within 24 days.
 */
export class DueOrder {
  /** Words of a record. */
  readonly #stride: number;
  #oldest = NONE;
  #newest = NONE;
  /** Where the last went that was older than others; those that come with it are older still. */
  #hint = NONE;

  constructor(stride: number) {
    this.#stride = stride;
  }

  /** Who is due first, or none. */
  get oldest(): number {
    return this.#oldest;
  }

  /** Milliseconds from `now` until a slot's time is up. */
  dueIn(words: Int32Array, slot: number, now: number): number {
    return (words[slot * this.#stride + EXPIRES]! - now) | 0;
  }

  /** Puts a slot where its time belongs: after all others, but for what is told at second hand. */
  add(words: Int32Array, slot: number, expires: number): void {
    const stride = this.#stride;
    let newer = NONE;
    let older = this.#newest;
    if (older !== NONE && ((words[older * stride + EXPIRES]! - expires) | 0) > 0) {
      const hint = this.#hint;
      if (hint !== NONE && ((words[hint * stride + EXPIRES]! - expires) | 0) > 0) older = hint;
      while (older !== NONE && ((words[older * stride + EXPIRES]! - expires) | 0) > 0) {
        newer = older;
        older = words[older * stride + OLDER]!;
      }
      this.#hint = slot;
    }
    words[slot * stride + EXPIRES] = expires;
    words[slot * stride + OLDER] = older;
    words[slot * stride + NEWER] = newer;
    if (older === NONE) this.#oldest = slot;
    else words[older * stride + NEWER] = slot;
    if (newer === NONE) this.#newest = slot;
    else words[newer * stride + OLDER] = slot;
  }

  /** Gives a slot a time that is not before its last one. */
  refresh(words: Int32Array, slot: number, expires: number): void {
    if (this.#newest === slot) {
      words[slot * this.#stride + EXPIRES] = expires;
      return;
    }
    this.remove(words, slot);
    this.add(words, slot, expires);
  }

  remove(words: Int32Array, slot: number): void {
    const start = slot * this.#stride;
    this.#rejoin(words, slot, words[start + NEWER]!, words[start + OLDER]!);
    if (this.#hint === slot) this.#hint = NONE;
  }

  /** Before the record of slot `from` goes to slot `to`, which is in no order. */
  move(words: Int32Array, from: number, to: number): void {
    this.#rejoin(words, from, to, to);
    if (this.#hint === from) this.#hint = to;
  }

  /** Makes the neighbours of `slot` point to `forOlder` and `forNewer` in its place. */
  #rejoin(words: Int32Array, slot: number, forOlder: number, forNewer: number): void {
    const older = words[slot * this.#stride + OLDER]!;
    const newer = words[slot * this.#stride + NEWER]!;
    if (older === NONE) this.#oldest = forOlder;
    else words[older * this.#stride + NEWER] = forOlder;
    if (newer === NONE) this.#newest = forNewer;
    else words[newer * this.#stride + OLDER] = forNewer;
  }
}
