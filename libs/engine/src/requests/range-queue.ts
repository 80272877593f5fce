/**
 * Ranges (piece, offset, length) in the order in which they were asked for: what we wait for from one peer, or
 * what one peer waits for from us. Typed arrays in a ring, so that a request costs no allocation.
 * Positions count from the oldest, 0, to `count - 1`.
 */
export class RangeQueue {
  #pieces = new Int32Array(16);
  #offsets = new Int32Array(16);
  #lengths = new Int32Array(16);
  #times = new Float64Array(16);
  #marks = new Uint8Array(16);
  #head = 0;
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  /** Sum of the lengths. */
  get bytes(): number {
    return this.#bytes;
  }

  pieceAt(position: number): number {
    return this.#pieces[this.#index(position)]!;
  }

  offsetAt(position: number): number {
    return this.#offsets[this.#index(position)]!;
  }

  lengthAt(position: number): number {
    return this.#lengths[this.#index(position)]!;
  }

  /** When it was pushed, milliseconds. */
  timeAt(position: number): number {
    return this.#times[this.#index(position)]!;
  }

  /** Whether the range is only waited for so that its answer can be told from data never asked for. */
  isMarked(position: number): boolean {
    return this.#marks[this.#index(position)] === 1;
  }

  mark(position: number): void {
    this.#marks[this.#index(position)] = 1;
  }

  push(piece: number, offset: number, length: number, now: number): void {
    if (this.#count === this.#pieces.length) this.#grow();
    const index = this.#index(this.#count++);
    this.#pieces[index] = piece;
    this.#offsets[index] = offset;
    this.#lengths[index] = length;
    this.#times[index] = now;
    this.#marks[index] = 0;
    this.#bytes += length;
  }

  /**
   * Position of the range of `piece` that begins at `offset`, or -1; the oldest where there are several.
   * @param length only one of exactly so many bytes
   */
  find(piece: number, offset: number, length?: number): number {
    for (let position = 0; position < this.#count; position++) {
      const index = this.#index(position);
      if (this.#pieces[index] !== piece || this.#offsets[index] !== offset) continue;
      if (length === undefined || this.#lengths[index] === length) return position;
    }
    return -1;
  }

  /** Takes `length` bytes from the front of a range; an emptied range is removed. */
  consume(position: number, length: number): void {
    const index = this.#index(position);
    this.#bytes -= length;
    this.#offsets[index]! += length;
    this.#lengths[index]! -= length;
    if (this.#lengths[index] === 0) this.#remove(position);
  }

  remove(position: number): void {
    this.#bytes -= this.lengthAt(position);
    this.#remove(position);
  }

  clear(): void {
    this.#count = 0;
    this.#bytes = 0;
  }

  #remove(position: number): void {
    for (let p = position; p > 0; p--) this.#copy(this.#index(p - 1), this.#index(p));
    this.#head = this.#index(1);
    this.#count--;
  }

  #copy(from: number, to: number): void {
    this.#pieces[to] = this.#pieces[from]!;
    this.#offsets[to] = this.#offsets[from]!;
    this.#lengths[to] = this.#lengths[from]!;
    this.#times[to] = this.#times[from]!;
    this.#marks[to] = this.#marks[from]!;
  }

  #index(position: number): number {
    return (this.#head + position) & (this.#pieces.length - 1);
  }

  #grow(): void {
    const capacity = this.#pieces.length;
    const unroll = <T extends Int32Array | Float64Array | Uint8Array>(old: T, grown: T): T => {
      grown.set(old.subarray(this.#head));
      grown.set(old.subarray(0, this.#head), capacity - this.#head);
      return grown;
    };
    this.#pieces = unroll(this.#pieces, new Int32Array(capacity * 2));
    this.#offsets = unroll(this.#offsets, new Int32Array(capacity * 2));
    this.#lengths = unroll(this.#lengths, new Int32Array(capacity * 2));
    this.#times = unroll(this.#times, new Float64Array(capacity * 2));
    this.#marks = unroll(this.#marks, new Uint8Array(capacity * 2));
    this.#head = 0;
  }
}
