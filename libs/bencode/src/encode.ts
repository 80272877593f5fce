/**
 * What can be encoded. Numbers are integers that a number holds exactly; a string is written as UTF-8; a dictionary
 * is a Map (each character of a key is one raw byte, as in `Dictionary`) or an object, whose undefined entries are
 * left out.
 */
export type Encodable =
  | number
  | bigint
  | string
  | Uint8Array
  | Encoded
  | readonly Encodable[]
  | ReadonlyMap<string, Encodable>
  | { readonly [key: string]: Encodable | undefined };

/** A value that is encoded already, and goes out byte for byte: an `info` dictionary must not change. */
export class Encoded {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/**
 * The canonical encoding (BEP 3), keys sorted as raw bytes, in one allocation of its exact size.
 * @throws RangeError for a number that is not a safe integer, a key with a character above U+00FF, or nesting deeper
 * than 256: mistakes of the caller
 */
export function encode(value: Encodable): Uint8Array {
  const bytes = new Uint8Array(sizeOf(value, 0));
  write(value, Buffer.from(bytes.buffer), 0);
  return bytes;
}

const MAX_DEPTH = 256;
const COLON = 0x3a;
const DICTIONARY = 0x64;
const END = 0x65;
const INTEGER = 0x69;
const LIST = 0x6c;

function sizeOf(value: Encodable, depth: number): number {
  if (depth > MAX_DEPTH) throw new RangeError(`nested deeper than ${MAX_DEPTH}`);
  if (typeof value === 'number' || typeof value === 'bigint') return decimal(value).length + 2;
  if (typeof value === 'string') return stringSize(Buffer.byteLength(value));
  if (value instanceof Uint8Array) return stringSize(value.length);
  if (value instanceof Encoded) return value.bytes.length;
  let size = 2;
  if (isList(value)) {
    for (const item of value) size += sizeOf(item, depth + 1);
    return size;
  }
  for (const [key, item] of entries(value)) {
    if (item === undefined) continue;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: every raw byte may stand in a key
    if (!/^[\u0000-\u00ff]*$/.test(key)) throw new RangeError('a key has a character that is not a byte');
    size += stringSize(key.length) + sizeOf(item, depth + 1);
  }
  return size;
}

/** @returns the offset after the value */
function write(value: Encodable, out: Buffer, start: number): number {
  let at = start;
  if (typeof value === 'number' || typeof value === 'bigint') {
    out[at++] = INTEGER;
    at += out.write(decimal(value), at, 'latin1');
    out[at++] = END;
    return at;
  }
  if (typeof value === 'string') {
    at = writeLength(Buffer.byteLength(value), out, at);
    return at + out.write(value, at, 'utf8');
  }
  if (value instanceof Uint8Array) {
    at = writeLength(value.length, out, at);
    out.set(value, at);
    return at + value.length;
  }
  if (value instanceof Encoded) {
    out.set(value.bytes, at);
    return at + value.bytes.length;
  }
  if (isList(value)) {
    out[at++] = LIST;
    for (const item of value) at = write(item, out, at);
  } else {
    out[at++] = DICTIONARY;
    for (const [key, item] of [...entries(value)].sort(byKey)) {
      if (item === undefined) continue;
      at = writeLength(key.length, out, at);
      at += out.write(key, at, 'latin1');
      at = write(item, out, at);
    }
  }
  out[at++] = END;
  return at;
}

function writeLength(length: number, out: Buffer, start: number): number {
  const at = start + out.write(String(length), start, 'latin1');
  out[at] = COLON;
  return at + 1;
}

function stringSize(length: number): number {
  return String(length).length + 1 + length;
}

function decimal(value: number | bigint): string {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new RangeError(`${value} is not an integer that a number holds exactly`);
  }
  return value.toString();
}

function isList(value: object): value is readonly Encodable[] {
  return Array.isArray(value);
}

type Entry = readonly [key: string, value: Encodable | undefined];

function entries(
  value: ReadonlyMap<string, Encodable> | { readonly [key: string]: Encodable | undefined },
): Iterable<Entry> {
  return value instanceof Map ? value.entries() : Object.entries(value);
}

/** One character is one byte, so that the order of the strings is the order of the bytes. */
function byKey(a: Entry, b: Entry): number {
  return a[0] < b[0] ? -1 : 1;
}
