/** What a page is on most machines: ranges begin and end on one. */
const PAGE = 4096;

/** Bytes that a range of `bytes` takes up. */
export function paged(bytes: number): number {
  return Math.ceil(bytes / PAGE) * PAGE;
}

/**
 * Ranges within one piece of shared memory. It is allocated once and never given back, because nothing frees a
 * SharedArrayBuffer but a garbage collection that may come gigabytes later; the system lends it pages as they are
 * first written to. A range is taken from the lowest place that fits, so that few pages are ever touched.
 */
export class Region {
  readonly size: number;
  #used = 0;
  #memory: SharedArrayBuffer | undefined;
  /** Gaps in the order of their place; no two of them touch. */
  readonly #gaps: Gap[];

  constructor(size: number) {
    this.size = size;
    this.#gaps = size > 0 ? [{ start: 0, end: size }] : [];
  }

  /** Bytes taken. */
  get used(): number {
    return this.#used;
  }

  /** @returns exactly `bytes`, or undefined where no gap is large enough */
  take(bytes: number): Buffer | undefined {
    const size = paged(bytes);
    const index = this.#gaps.findIndex((gap) => gap.end - gap.start >= size);
    const gap = this.#gaps[index];
    if (gap === undefined) return undefined;
    const start = gap.start;
    gap.start += size;
    if (gap.start === gap.end) this.#gaps.splice(index, 1);
    this.#used += size;
    this.#memory ??= new SharedArrayBuffer(this.size);
    return Buffer.from(this.#memory, start, bytes);
  }

  /** Gives back what `take` gave. */
  giveBack(range: Buffer): void {
    const start = range.byteOffset;
    const end = start + paged(range.length);
    this.#used -= end - start;
    const next = this.#firstFrom(end);
    const before = this.#gaps[next - 1];
    const after = this.#gaps[next];
    const joinsBefore = before?.end === start;
    const joinsAfter = after?.start === end;
    if (joinsBefore && joinsAfter) {
      before.end = after.end;
      this.#gaps.splice(next, 1);
    } else if (joinsBefore) before.end = end;
    else if (joinsAfter) after.start = start;
    else this.#gaps.splice(next, 0, { start, end });
  }

  /** The index of the first gap that begins at `offset` or later. */
  #firstFrom(offset: number): number {
    let low = 0;
    let high = this.#gaps.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#gaps[middle]!.start < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

interface Gap {
  start: number;
  end: number;
}

/** One range at a time that is too large for its region. The memory is kept, and replaced only for a larger one. */
export class Oversize {
  #memory: SharedArrayBuffer | undefined;
  #used = 0;

  get used(): number {
    return this.#used;
  }

  take(bytes: number): Buffer | undefined {
    if (this.#used > 0) return undefined;
    if (this.#memory === undefined || this.#memory.byteLength < bytes) {
      this.#memory = new SharedArrayBuffer(paged(bytes));
    }
    this.#used = paged(bytes);
    return Buffer.from(this.#memory, 0, bytes);
  }

  giveBack(): void {
    this.#used = 0;
  }
}
