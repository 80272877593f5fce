import type { BencodeValue, Dictionary } from '@pixtorrent/bencode';
import { MetainfoError } from './errors.ts';

/** An integer from 0 to 2^53 - 1. */
export function requiredLength(from: Dictionary, key: string, place: string): number {
  const value = required(from, key, place);
  if (typeof value !== 'number' && typeof value !== 'bigint') {
    throw new MetainfoError('wrong-type', place, 'has to be an integer');
  }
  if (typeof value === 'bigint' || value < 0) {
    throw new MetainfoError('out-of-range', place, `${value} is not a length`);
  }
  return value;
}

export function requiredBytes(from: Dictionary, key: string, place: string): Uint8Array {
  const value = required(from, key, place);
  if (value instanceof Uint8Array) return value;
  throw new MetainfoError('wrong-type', place, 'has to be a byte string');
}

export function requiredList(from: Dictionary, key: string, place: string): readonly BencodeValue[] {
  const value = required(from, key, place);
  if (Array.isArray(value)) return value;
  throw new MetainfoError('wrong-type', place, 'has to be a list');
}

function required(from: Dictionary, key: string, place: string): BencodeValue {
  const value = from.get(key);
  if (value === undefined) throw new MetainfoError('missing', place, 'is missing');
  return value;
}
