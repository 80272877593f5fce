import { ID_LENGTH } from '@pixtorrent/core';

/** A slot that is none. */
export const NONE = -1;

const EXPIRES = 0;
const OLDER = 2;
const NEWER = 3;
const ID = 16;
const ENDPOINT = ID + ID_LENGTH;
const SMALLEST = 4;

/**
 * The peers of one swarm and one address family, in one piece of memory: 48 bytes a peer over IPv4, 56 over IPv6,
 * and an index of 8 to 16. Every operation takes constant time, apart from growing and shrinking.
 *
 * Slots are dense: leechers from 0, seeds after them, so that picking at random is drawing a number. A slot is good
 * until the next change. Each record holds when it expires, its neighbours in the order of the last announces,
 * the peer ID, and the endpoint in compact form. The index is an open hash table from endpoint to slot + 1.
 */
export class PeerTable {
  readonly endpointLength: number;
  readonly #seed: number;
  /** Bytes of a record, a multiple of 8. */
  readonly #stride: number;
  #capacity = SMALLEST;
  #buffer = new ArrayBuffer(0);
  #bytes!: Uint8Array;
  #words!: Int32Array;
  #times!: Float64Array;
  #indexAt = 0;
  #indexMask = 0;
  #count = 0;
  #leechers = 0;
  #oldest = NONE;
  #newest = NONE;

  /** @param seed of the index's hash, unknown to the peers, so that they cannot make it degenerate */
  constructor(addressLength: number, seed: number) {
    this.endpointLength = addressLength + 2;
    this.#seed = seed;
    this.#stride = Math.ceil((ENDPOINT + this.endpointLength) / 8) * 8;
    this.#resize(SMALLEST);
  }

  get count(): number {
    return this.#count;
  }

  get leechers(): number {
    return this.#leechers;
  }

  find(endpoint: Uint8Array): number {
    let at = this.#hash(endpoint, 0) & this.#indexMask;
    for (;;) {
      const slot = this.#words[this.#indexAt + at]! - 1;
      if (slot === NONE || this.#hasEndpoint(slot, endpoint)) return slot;
      at = (at + 1) & this.#indexMask;
    }
  }

  isSeed(slot: number): boolean {
    return slot >= this.#leechers;
  }

  /** Adds a peer that is not in the table. `expires` must not be before that of any other peer. */
  add(endpoint: Uint8Array, id: Uint8Array, seed: boolean, expires: number): void {
    if (this.#count === this.#capacity) this.#resize(this.#capacity + Math.max(4, this.#capacity >> 1));
    let slot = this.#count;
    if (!seed) {
      if (this.#leechers < this.#count) this.#move(this.#leechers, this.#count);
      slot = this.#leechers++;
    }
    this.#count++;
    this.#bytes.set(endpoint, slot * this.#stride + ENDPOINT);
    this.#words[this.#indexAt + this.#freeFor(endpoint, 0)] = slot + 1;
    this.#append(slot);
    this.refresh(slot, id, expires);
  }

  /** The peer has announced again. `expires` must not be before that of any other peer. */
  refresh(slot: number, id: Uint8Array, expires: number): void {
    const start = slot * this.#stride;
    this.#bytes.set(id, start + ID);
    this.#times[start / 8 + EXPIRES] = expires;
    if (this.#newest === slot) return;
    this.#unlink(slot);
    this.#append(slot);
  }

  remove(slot: number): void {
    this.#unindex(slot);
    this.#unlink(slot);
    let hole = slot;
    if (slot < this.#leechers) {
      hole = --this.#leechers;
      if (hole !== slot) this.#move(hole, slot);
    }
    this.#count--;
    if (hole !== this.#count) this.#move(this.#count, hole);
    if (this.#capacity > 4 * SMALLEST && this.#count < this.#capacity >> 2) this.#resize(this.#capacity >> 1);
  }

  /** @returns how many peers were due and are gone */
  expire(now: number): number {
    const before = this.#count;
    while (this.#oldest !== NONE && this.#times[(this.#oldest * this.#stride) / 8 + EXPIRES]! <= now)
      this.remove(this.#oldest);
    return before - this.#count;
  }

  hasId(slot: number, id: Uint8Array): boolean {
    const start = slot * this.#stride + ID;
    // From the end: peers of one program have the same beginning.
    for (let i = ID_LENGTH - 1; i >= 0; i--) if (this.#bytes[start + i] !== id[i]) return false;
    return true;
  }

  copyEndpoint(slot: number, into: Uint8Array, at: number): void {
    const start = slot * this.#stride + ENDPOINT;
    for (let i = 0; i < this.endpointLength; i++) into[at + i] = this.#bytes[start + i]!;
  }

  copyId(slot: number, into: Uint8Array, at: number): void {
    const start = slot * this.#stride + ID;
    for (let i = 0; i < ID_LENGTH; i++) into[at + i] = this.#bytes[start + i]!;
  }

  #hasEndpoint(slot: number, endpoint: Uint8Array): boolean {
    const start = slot * this.#stride + ENDPOINT;
    for (let i = 0; i < this.endpointLength; i++) if (this.#bytes[start + i] !== endpoint[i]) return false;
    return true;
  }

  #hash(bytes: Uint8Array, start: number): number {
    let hash = this.#seed;
    for (let i = 0; i < this.endpointLength; i++) hash = Math.imul(hash ^ bytes[start + i]!, 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
    return hash ^ (hash >>> 15);
  }

  /** Where the index is free for an endpoint that is not in it. */
  #freeFor(endpoint: Uint8Array, start: number): number {
    let at = this.#hash(endpoint, start) & this.#indexMask;
    while (this.#words[this.#indexAt + at] !== 0) at = (at + 1) & this.#indexMask;
    return at;
  }

  /** Where the index has `slot`. */
  #indexOf(slot: number): number {
    let at = this.#hash(this.#bytes, slot * this.#stride + ENDPOINT) & this.#indexMask;
    while (this.#words[this.#indexAt + at] !== slot + 1) at = (at + 1) & this.#indexMask;
    return at;
  }

  /** Takes `slot` out of the index, and closes the gap for those that had to go past it. */
  #unindex(slot: number): void {
    let gap = this.#indexOf(slot);
    for (let at = gap; ; ) {
      at = (at + 1) & this.#indexMask;
      const other = this.#words[this.#indexAt + at]! - 1;
      if (other === NONE) break;
      const home = this.#hash(this.#bytes, other * this.#stride + ENDPOINT) & this.#indexMask;
      if (((at - home) & this.#indexMask) < ((at - gap) & this.#indexMask)) continue;
      this.#words[this.#indexAt + gap] = other + 1;
      gap = at;
    }
    this.#words[this.#indexAt + gap] = 0;
  }

  #link(slot: number, which: number): number {
    return (slot * this.#stride) / 4 + which;
  }

  #append(slot: number): void {
    this.#words[this.#link(slot, OLDER)] = this.#newest;
    this.#words[this.#link(slot, NEWER)] = NONE;
    if (this.#newest === NONE) this.#oldest = slot;
    else this.#words[this.#link(this.#newest, NEWER)] = slot;
    this.#newest = slot;
  }

  #unlink(slot: number): void {
    this.#rejoin(slot, this.#words[this.#link(slot, NEWER)]!, this.#words[this.#link(slot, OLDER)]!);
  }

  /** Makes the neighbours of `slot` point to `forOlder` and `forNewer` in its place. */
  #rejoin(slot: number, forOlder: number, forNewer: number): void {
    const older = this.#words[this.#link(slot, OLDER)]!;
    const newer = this.#words[this.#link(slot, NEWER)]!;
    if (older === NONE) this.#oldest = forOlder;
    else this.#words[this.#link(older, NEWER)] = forOlder;
    if (newer === NONE) this.#newest = forNewer;
    else this.#words[this.#link(newer, OLDER)] = forNewer;
  }

  /** Moves a record into a slot that is free. */
  #move(from: number, to: number): void {
    this.#words[this.#indexAt + this.#indexOf(from)] = to + 1;
    this.#rejoin(from, to, to);
    const start = from * this.#stride;
    this.#bytes.copyWithin(to * this.#stride, start, start + this.#stride);
  }

  #resize(capacity: number): void {
    const indexSize = 2 ** Math.ceil(Math.log2(capacity * 2));
    const recordBytes = capacity * this.#stride;
    const size = recordBytes + indexSize * 4;
    // A transfer gives the old memory back at once, where a copy would keep it until the next collection.
    const buffer = this.#buffer.transfer(size);
    const bytes = new Uint8Array(buffer);
    this.#capacity = capacity;
    this.#buffer = buffer;
    this.#bytes = bytes;
    this.#words = new Int32Array(buffer);
    this.#times = new Float64Array(buffer, 0, recordBytes / 8);
    this.#indexAt = recordBytes / 4;
    this.#indexMask = indexSize - 1;
    this.#words.fill(0, this.#indexAt);
    for (let slot = 0; slot < this.#count; slot++) {
      this.#words[this.#indexAt + this.#freeFor(bytes, slot * this.#stride + ENDPOINT)] = slot + 1;
    }
  }
}
