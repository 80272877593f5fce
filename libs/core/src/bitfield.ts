/**
 * A set of piece indexes as bits in the order of the wire: piece 0 is the high bit of byte 0 (BEP 3).
 * The count of set bits is kept, so `count` and `complete` cost nothing.
 */
export class Bitfield {
  readonly length: number;
  /** The bits themselves; spare bits at the end are zero. Read only: write through the methods. */
  readonly bytes: Uint8Array;
  #count = 0;

  /** An empty set over `length` pieces. */
  constructor(length: number) {
    if (!Number.isSafeInteger(length) || length < 0) throw new RangeError(`bit field length ${length}`);
    this.length = length;
    this.bytes = new Uint8Array(bytesFor(length));
  }

  /**
   * A copy of bits as they came over the wire.
   * @returns undefined where the size is wrong or a bit past the end is set
   */
  static parse(bytes: Uint8Array, length: number): Bitfield | undefined {
    if (bytes.length !== bytesFor(length)) return undefined;
    const spare = bytes.length * 8 - length;
    if (spare > 0 && (bytes[bytes.length - 1]! & ((1 << spare) - 1)) !== 0) return undefined;
    const field = new Bitfield(length);
    field.bytes.set(bytes);
    let count = 0;
    for (let i = 0; i < bytes.length; i++) count += ONES[bytes[i]!]!;
    field.#count = count;
    return field;
  }

  /** How many pieces are in the set. */
  get count(): number {
    return this.#count;
  }

  get complete(): boolean {
    return this.#count === this.length;
  }

  /** False for an index outside the set's range too. */
  has(index: number): boolean {
    return ((this.bytes[index >>> 3] ?? 0) & (0x80 >>> (index & 7))) !== 0;
  }

  /** @returns whether the bit was clear before */
  add(index: number): boolean {
    if (index < 0 || index >= this.length) throw new RangeError(`piece ${index} of ${this.length}`);
    if (this.has(index)) return false;
    this.bytes[index >>> 3]! |= 0x80 >>> (index & 7);
    this.#count++;
    return true;
  }

  /** @returns whether the bit was set before */
  delete(index: number): boolean {
    if (!this.has(index)) return false;
    this.bytes[index >>> 3]! &= ~(0x80 >>> (index & 7));
    this.#count--;
    return true;
  }

  fill(): void {
    this.bytes.fill(0xff);
    const spare = this.bytes.length * 8 - this.length;
    if (spare > 0) this.bytes[this.bytes.length - 1] = 0xff << spare;
    this.#count = this.length;
  }

  clear(): void {
    this.bytes.fill(0);
    this.#count = 0;
  }

  clone(): Bitfield {
    const copy = new Bitfield(this.length);
    copy.bytes.set(this.bytes);
    copy.#count = this.#count;
    return copy;
  }

  /** The indexes in the set, ascending. */
  *[Symbol.iterator](): Generator<number> {
    for (let byte = 0; byte < this.bytes.length; byte++) {
      const bits = this.bytes[byte]!;
      if (bits === 0) continue;
      for (let bit = 0; bit < 8; bit++) if (bits & (0x80 >>> bit)) yield byte * 8 + bit;
    }
  }
}

function bytesFor(length: number): number {
  return Math.ceil(length / 8);
}

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let rest = byte; rest > 0; rest >>>= 1) ones += rest & 1;
  return ones;
});
