import { randomFillSync } from 'node:crypto';

/** Milliseconds of a slot. An ID is good for the rest of its slot and all of the next: BEP 15 promises one minute. */
const SLOT = 60_000;

/**
 * Connection IDs (BEP 15) that need no memory: each is a keyed hash of the asker's address and the time. Who answers
 * with it has read what we sent to that address, so nobody can ask in another's name.
 */
export class ConnectionIds {
  readonly #key0: number;
  readonly #key1: number;
  #high = 0;
  #low = 0;

  /** @param key 64 bits in two halves @default random */
  constructor(key: Uint32Array = randomFillSync(new Uint32Array(2))) {
    this.#key0 = key[0]! | 0;
    this.#key1 = key[1]! | 0;
  }

  /** @param address 4 or 16 bytes @param now milliseconds */
  of(address: Uint8Array, now: number): bigint {
    this.#hash(address, Math.floor(now / SLOT));
    return (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0);
  }

  /** @param packet of at least 8 bytes, of which the first 8 are the ID */
  accepts(packet: Buffer, address: Uint8Array, now: number): boolean {
    const high = packet.readInt32BE(0);
    const low = packet.readInt32BE(4);
    const slot = Math.floor(now / SLOT);
    this.#hash(address, slot);
    if (this.#high === high && this.#low === low) return true;
    this.#hash(address, slot - 1);
    return this.#high === high && this.#low === low;
  }

  /** HalfSipHash-2-4 with 64 bits of output (Aumasson and Bernstein): made for words of 32 bits, which JavaScript has. */
  #hash(address: Uint8Array, slot: number): void {
    state[0] = this.#key0;
    state[1] = this.#key1 ^ 0xee;
    state[2] = 0x6c796765 ^ this.#key0;
    state[3] = 0x74656462 ^ this.#key1;
    mix(slot | 0);
    for (let i = 0; i + 3 < address.length; i += 4)
      mix(address[i]! | (address[i + 1]! << 8) | (address[i + 2]! << 16) | (address[i + 3]! << 24));
    mix((address.length + 4) << 24);
    state[2]! ^= 0xee;
    rounds(4);
    this.#low = state[1]! ^ state[3]!;
    state[1]! ^= 0xdd;
    rounds(4);
    this.#high = state[1]! ^ state[3]!;
  }
}

const state = new Int32Array(4);

function mix(word: number): void {
  state[3]! ^= word;
  rounds(2);
  state[0]! ^= word;
}

function rounds(count: number): void {
  let v0 = state[0]!;
  let v1 = state[1]!;
  let v2 = state[2]!;
  let v3 = state[3]!;
  for (let i = 0; i < count; i++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  state[0] = v0;
  state[1] = v1;
  state[2] = v2;
  state[3] = v3;
}
