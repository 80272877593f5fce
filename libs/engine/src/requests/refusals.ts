/** Refusals remembered of one peer before the expired ones are swept out. */
const MAX_REFUSALS = 1024;

/** The pieces that one peer refused to send, and until when it is not asked for them again; times in milliseconds. */
export class Refusals {
  /** In the order in which they end. */
  readonly #until = new Map<number, number>();

  get size(): number {
    return this.#until.size;
  }

  add(piece: number, until: number, now: number): void {
    this.#until.delete(piece);
    this.#until.set(piece, until);
    if (this.#until.size <= MAX_REFUSALS) return;
    for (const [refused, end] of this.#until) {
      if (end > now) return;
      this.#until.delete(refused);
    }
  }

  has(piece: number, now: number): boolean {
    const until = this.#until.get(piece);
    if (until === undefined) return false;
    if (until > now) return true;
    this.#until.delete(piece);
    return false;
  }
}
