import { ID_LENGTH } from '@pixtorrent/core';

/** Words of a peer ID: 32 bits each, bytes in network order. */
export const ID_WORDS = ID_LENGTH / 4;

/** An endpoint in words. */
export function endpointWords(address: Uint8Array, port: number): Int32Array {
  const words = new Int32Array(address.length / 4 + 1);
  for (let i = 0; i < words.length - 1; i++) words[i] = readWord(address, i * 4);
  words[words.length - 1] = port;
  return words;
}

/** A peer ID in words. */
export function idWords(id: Uint8Array): Int32Array {
  const words = new Int32Array(ID_WORDS);
  for (let i = 0; i < ID_WORDS; i++) words[i] = readWord(id, i * 4);
  return words;
}

export function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

export function writeWord(into: Uint8Array, at: number, word: number): void {
  into[at] = word >>> 24;
  into[at + 1] = word >>> 16;
  into[at + 2] = word >>> 8;
  into[at + 3] = word;
}
