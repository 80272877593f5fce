import { BencodeError, type BencodeErrorCode } from './errors.ts';
import { type BencodeValue, Dictionary } from './value.ts';

/** Bounds on what is decoded. Nothing is allocated before its bound was checked. */
export interface DecodeOptions {
  /**
   * Lists and dictionaries inside each other. Decoding recurses, so keep it in the hundreds.
   * @default 32
   */
  readonly maxDepth?: number;
  /**
   * Bytes that the value may take up.
   * @default 16 MiB
   */
  readonly maxBytes?: number;
  /**
   * Values in all; keys are not counted.
   * @default 100,000
   */
  readonly maxItems?: number;
  /**
   * Digits of an integer, its sign not counted. 19 hold every signed 64-bit integer, 20 every unsigned one.
   * @default 20
   */
  readonly maxIntegerDigits?: number;
  /**
   * Bytes of one byte string or key.
   * @default `maxBytes`
   */
  readonly maxStringBytes?: number;
  /**
   * BEP 3 asks for keys sorted as raw bytes; some old programs wrote them otherwise. A key that stands twice is
   * refused either way.
   * @default 'refuse'
   */
  readonly unsortedKeys?: 'refuse' | 'accept';
}

/**
 * Decodes bytes that are exactly one value (BEP 3), in canonical form only: each value has one encoding.
 * Byte strings are views of `bytes`.
 * @throws BencodeError
 */
export function decode(bytes: Uint8Array, options?: DecodeOptions): BencodeValue {
  const decoder = new Decoder(bytes, options);
  const value = decoder.value(0);
  if (decoder.position !== bytes.length) decoder.fail('trailing-bytes', 'more bytes after the value');
  return value;
}

/**
 * Decodes the value at the beginning of `bytes` and says where it ended; what follows is not looked at.
 * For messages in which raw data follows a dictionary (BEP 9 `ut_metadata`).
 * @throws BencodeError
 */
export function decodePrefix(
  bytes: Uint8Array,
  options?: DecodeOptions,
): { readonly value: BencodeValue; readonly end: number } {
  const decoder = new Decoder(bytes, options);
  const value = decoder.value(0);
  return { value, end: decoder.position };
}

const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const COLON = 0x3a;
const MINUS = 0x2d;
const DICTIONARY = 0x64;
const END = 0x65;
const INTEGER = 0x69;
const LIST = 0x6c;

/** Decimal digits that a number always holds exactly. */
const EXACT_DIGITS = 15;

class Decoder {
  position = 0;
  readonly #bytes: Uint8Array;
  readonly #text: Buffer;
  /** No read goes past it: the end of the bytes, or of what `maxBytes` allows. */
  readonly #limit: number;
  readonly #maxBytes: number;
  readonly #maxDepth: number;
  readonly #maxIntegerDigits: number;
  readonly #maxStringBytes: number;
  readonly #sorted: boolean;
  #itemsLeft: number;

  constructor(bytes: Uint8Array, options: DecodeOptions = {}) {
    this.#maxBytes = options.maxBytes ?? 16 * 1024 * 1024;
    this.#bytes = bytes;
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#limit = Math.min(bytes.length, this.#maxBytes);
    this.#maxDepth = options.maxDepth ?? 32;
    this.#maxIntegerDigits = options.maxIntegerDigits ?? 20;
    this.#maxStringBytes = options.maxStringBytes ?? this.#maxBytes;
    this.#sorted = options.unsortedKeys !== 'accept';
    this.#itemsLeft = options.maxItems ?? 100_000;
  }

  fail(code: BencodeErrorCode, reason: string, offset = this.position): never {
    throw new BencodeError(code, offset, reason);
  }

  value(depth: number): BencodeValue {
    const first = this.#peek();
    if (--this.#itemsLeft < 0) this.fail('too-many-items', 'more values than allowed');
    if (first >= DIGIT_0 && first <= DIGIT_9) return this.#byteString();
    if (first === INTEGER) return this.#integer();
    if (first !== LIST && first !== DICTIONARY)
      this.fail('unexpected-byte', 'no value begins with this byte');
    if (depth >= this.#maxDepth) this.fail('too-deep', `nested deeper than ${this.#maxDepth}`);
    return first === LIST ? this.#list(depth + 1) : this.#dictionary(depth + 1);
  }

  #list(depth: number): BencodeValue[] {
    const list: BencodeValue[] = [];
    this.position++;
    while (this.#peek() !== END) list.push(this.value(depth));
    this.position++;
    return list;
  }

  #dictionary(depth: number): Dictionary {
    const dictionary = new Dictionary();
    dictionary.start = this.position++;
    let last: string | undefined;
    while (this.#peek() !== END) {
      const at = this.position;
      const first = this.#peek();
      if (first < DIGIT_0 || first > DIGIT_9) this.fail('bad-key', 'a key has to be a byte string');
      const length = this.#stringLength();
      const key = this.#text.toString('latin1', this.position, this.position + length);
      this.position += length;
      if (dictionary.has(key)) this.fail('duplicate-key', 'the same key twice', at);
      if (this.#sorted && last !== undefined && key < last) {
        this.fail('unsorted-keys', 'the keys are not sorted', at);
      }
      last = key;
      dictionary.set(key, this.value(depth));
    }
    dictionary.end = ++this.position;
    return dictionary;
  }

  #byteString(): Uint8Array {
    const length = this.#stringLength();
    const start = this.position;
    this.position += length;
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, length);
  }

  /** Reads `<length>:` and makes sure that so many bytes follow. */
  #stringLength(): number {
    const start = this.position;
    let length = this.#peek() - DIGIT_0;
    this.position++;
    for (let byte = this.#peek(); byte !== COLON; byte = this.#peek()) {
      if (byte < DIGIT_0 || byte > DIGIT_9) this.fail('bad-length', 'a length has digits and then a colon');
      if (length === 0) this.fail('bad-length', 'a length has no leading zero', start);
      length = length * 10 + (byte - DIGIT_0);
      if (length > this.#maxStringBytes) break;
      this.position++;
    }
    if (length > this.#maxStringBytes) {
      this.fail('string-too-long', `a string longer than ${this.#maxStringBytes} bytes`, start);
    }
    this.position++;
    if (length > this.#limit - this.position) this.#ended(this.position + length);
    return length;
  }

  #integer(): number | bigint {
    const start = ++this.position;
    const negative = this.#peek() === MINUS;
    if (negative) this.position++;
    const digits = this.position;
    let value = 0;
    for (let byte = this.#peek(); byte !== END; byte = this.#peek()) {
      if (byte < DIGIT_0 || byte > DIGIT_9) this.fail('bad-integer', 'an integer has digits and then an e');
      if (this.position - digits >= this.#maxIntegerDigits) {
        this.fail('integer-too-long', `an integer of more than ${this.#maxIntegerDigits} digits`, start);
      }
      value = value * 10 + (byte - DIGIT_0);
      this.position++;
    }
    const count = this.position - digits;
    if (count === 0) this.fail('bad-integer', 'an integer without digits');
    if (this.#bytes[digits] === DIGIT_0 && (count > 1 || negative)) {
      this.fail('bad-integer', 'an integer has neither leading zeros nor a negative zero', start);
    }
    const end = this.position++;
    if (count <= EXACT_DIGITS) return negative ? -value : value;
    const exact = BigInt(this.#text.toString('latin1', start, end));
    const number = Number(exact);
    return Number.isSafeInteger(number) ? number : exact;
  }

  #peek(): number {
    if (this.position >= this.#limit) this.#ended(this.position + 1);
    return this.#bytes[this.position]!;
  }

  /** The value goes on to `end` at least, and the bytes or what is allowed of them do not. */
  #ended(end: number): never {
    if (end > this.#maxBytes) this.fail('too-large', `a value of more than ${this.#maxBytes} bytes`);
    this.fail('truncated', 'the bytes end inside a value', this.#limit);
  }
}
