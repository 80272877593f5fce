import { ID_LENGTH } from '@pixtorrent/core';
import { PeerTrait } from '@pixtorrent/tracker-protocol';
import type { Labels } from './labels.ts';
import { Neighbourhoods } from './neighbourhoods.ts';
import type { StoredPeer } from './peer-store.ts';

/** A slot that is none. */
export const NONE = -1;

/** What a table knows of a peer beside its endpoint, its role and its time. */
export type PeerFacts = Pick<StoredPeer, 'peerId' | 'left' | 'pixwire' | 'zone' | 'node'>;

// Words of a record.
const EXPIRES = 0;
const OLDER = 1;
const NEWER = 2;
const LEFT = 3;
// Bytes of a record.
const ID = 20;
const PIXWIRE = ID + ID_LENGTH;
const ENDPOINT = PIXWIRE + 1;

const SMALLEST = 4;
/** Figures that a table keeps only where looking at every peer would take long. */
const COUNTED_FROM = 64;
/** Powers of two that a number of bytes left may be. */
const MAGNITUDES = 64;

/**
 * The peers of one swarm and one address family, in one piece of memory: 48 bytes a peer over IPv4, 60 over IPv6,
 * and an index of 8 to 16. Every operation takes constant time, apart from growing and shrinking.
 *
 * Slots are dense: leechers from 0, seeds after them, so that picking at random is drawing a number. A slot is good
 * until the next change. Each record holds when it expires, its neighbours in that order, the bytes left, the peer
 * ID, and the endpoint in compact form. The index is an open hash table from endpoint to slot + 1.
 *
 * Times are whole milliseconds, of which the lower 32 bits are kept: what is in a table at the same time must lie within
 * 24 days.
 */
export class PeerTable {
  readonly endpointLength: number;
  readonly #seed: number;
  readonly #labels: Labels;
  /** Words of a record. */
  readonly #stride: number;
  #capacity = 0;
  #buffer = new ArrayBuffer(0);
  #bytes!: Uint8Array;
  #words!: Int32Array;
  #indexAt = 0;
  #indexMask = 0;
  #count = 0;
  #leechers = 0;
  #oldest = NONE;
  #newest = NONE;
  /** Where the last peer went that was older than others; those that come with it are older still. */
  #hint = NONE;
  #neighbourhoods: Neighbourhoods | undefined;
  #magnitudes: Uint32Array | undefined;

  /** @param seed of the index's hash, unknown to the peers, so that they cannot make it degenerate */
  constructor(addressLength: number, seed: number, labels: Labels) {
    this.endpointLength = addressLength + 2;
    this.#seed = seed;
    this.#labels = labels;
    this.#stride = Math.ceil((ENDPOINT + this.endpointLength) / 4);
    this.#resize(SMALLEST);
  }

  get count(): number {
    return this.#count;
  }

  get leechers(): number {
    return this.#leechers;
  }

  /** Undefined where nobody has a label. */
  get neighbourhoods(): Neighbourhoods | undefined {
    return this.#neighbourhoods;
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

  /** The lower 32 bits of when it is due. */
  expires(slot: number): number {
    return this.#words[slot * this.#stride + EXPIRES]!;
  }

  /** Adds a peer that is not in the table. */
  add(endpoint: Uint8Array, peer: PeerFacts, seed: boolean, expires: number): void {
    if (this.#count === this.#capacity) this.#resize(this.#capacity + Math.max(4, this.#capacity >> 1));
    let slot = this.#count;
    if (!seed) {
      if (this.#leechers < this.#count) this.#move(this.#leechers, this.#count, true);
      slot = this.#leechers++;
    }
    this.#count++;
    this.#bytes.set(endpoint, slot * this.#stride * 4 + ENDPOINT);
    this.#words[this.#indexAt + this.#freeFor(endpoint, 0)] = slot + 1;
    this.#link(slot, expires);
    this.#write(slot, peer, seed);
    if (!seed) this.#countLeft(slot, 1);
  }

  /** The peer has announced again, in the same role, and not before the last time. */
  refresh(slot: number, peer: PeerFacts, expires: number): void {
    if (this.#newest === slot) {
      this.#words[slot * this.#stride + EXPIRES] = expires;
    } else {
      this.#unlink(slot);
      this.#link(slot, expires);
    }
    const seed = this.isSeed(slot);
    if (!seed) this.#countLeft(slot, -1);
    this.#write(slot, peer, seed);
    if (!seed) this.#countLeft(slot, 1);
  }

  remove(slot: number): void {
    const seed = this.isSeed(slot);
    if (!seed) this.#countLeft(slot, -1);
    this.#neighbourhoods?.remove(slot, seed);
    this.#unindex(slot);
    this.#unlink(slot);
    let hole = slot;
    if (!seed) {
      hole = --this.#leechers;
      if (hole !== slot) this.#move(hole, slot, false);
    }
    this.#count--;
    if (hole !== this.#count) this.#move(this.#count, hole, true);
    if (this.#capacity > 4 * SMALLEST && this.#count < this.#capacity >> 2) this.#resize(this.#capacity >> 1);
  }

  /** A peer whose time is up, or none. */
  due(now: number): number {
    const slot = this.#oldest;
    return slot !== NONE && ((this.expires(slot) - now) | 0) <= 0 ? slot : NONE;
  }

  /** Gives back what it shares with other tables; nothing may be asked afterwards. */
  release(): void {
    this.#neighbourhoods?.release(this.#count);
  }

  hasId(slot: number, id: Uint8Array): boolean {
    const start = slot * this.#stride * 4 + ID;
    // From the end: peers of one program have the same beginning.
    for (let i = ID_LENGTH - 1; i >= 0; i--) if (this.#bytes[start + i] !== id[i]) return false;
    return true;
  }

  /** Bits of `PeerTrait`. */
  traits(slot: number): number {
    const pixwire = this.#bytes[slot * this.#stride * 4 + PIXWIRE] === 1 ? PeerTrait.pixwire : 0;
    return this.isSeed(slot) ? pixwire | PeerTrait.seed : pixwire;
  }

  left(slot: number): number {
    const at = slot * this.#stride + LEFT;
    return (this.#words[at]! >>> 0) + (this.#words[at + 1]! >>> 0) * 2 ** 32;
  }

  copyEndpoint(slot: number, into: Uint8Array, at: number): void {
    const start = slot * this.#stride * 4 + ENDPOINT;
    for (let i = 0; i < this.endpointLength; i++) into[at + i] = this.#bytes[start + i]!;
  }

  copyId(slot: number, into: Uint8Array, at: number): void {
    const start = slot * this.#stride * 4 + ID;
    for (let i = 0; i < ID_LENGTH; i++) into[at + i] = this.#bytes[start + i]!;
  }

  /** Adds the leechers with 2^n to 2^(n+1) - 1 bytes left to the n-th of `sums`, of which there are 64. */
  addMagnitudes(sums: number[]): void {
    if (this.#magnitudes !== undefined) {
      for (let n = 0; n < MAGNITUDES; n++) sums[n]! += this.#magnitudes[n]!;
      return;
    }
    for (let slot = 0; slot < this.#leechers; slot++) {
      const n = magnitude(this.left(slot));
      if (n >= 0) sums[n]!++;
    }
  }

  #write(slot: number, { peerId, left, pixwire, zone, node }: PeerFacts, seed: boolean): void {
    const words = slot * this.#stride;
    this.#bytes.set(peerId, words * 4 + ID);
    this.#bytes[words * 4 + PIXWIRE] = pixwire ? 1 : 0;
    this.#words[words + LEFT] = left | 0;
    this.#words[words + LEFT + 1] = left / 2 ** 32;
    if (this.#neighbourhoods === undefined) {
      if (zone === '' && node === '') return;
      this.#neighbourhoods = new Neighbourhoods(this.#labels, this.#capacity);
    }
    this.#neighbourhoods.set(slot, zone, node, seed);
  }

  #countLeft(slot: number, by: 1 | -1): void {
    if (this.#magnitudes === undefined) return;
    const n = magnitude(this.left(slot));
    if (n >= 0) this.#magnitudes[n]! += by;
  }

  #hasEndpoint(slot: number, endpoint: Uint8Array): boolean {
    const start = slot * this.#stride * 4 + ENDPOINT;
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
    let at = this.#hash(this.#bytes, slot * this.#stride * 4 + ENDPOINT) & this.#indexMask;
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
      const home = this.#hash(this.#bytes, other * this.#stride * 4 + ENDPOINT) & this.#indexMask;
      if (((at - home) & this.#indexMask) < ((at - gap) & this.#indexMask)) continue;
      this.#words[this.#indexAt + gap] = other + 1;
      gap = at;
    }
    this.#words[this.#indexAt + gap] = 0;
  }

  /** Puts a slot where its time belongs in the order: after all others, but for what is told at second hand. */
  #link(slot: number, expires: number): void {
    const words = this.#words;
    const stride = this.#stride;
    let newer = NONE;
    let older = this.#newest;
    if (older !== NONE && ((words[older * stride + EXPIRES]! - expires) | 0) > 0) {
      const hint = this.#hint;
      if (hint !== NONE && ((words[hint * stride + EXPIRES]! - expires) | 0) > 0) older = hint;
      while (older !== NONE && ((words[older * stride + EXPIRES]! - expires) | 0) > 0) {
        newer = older;
        older = words[older * stride + OLDER]!;
      }
      this.#hint = slot;
    }
    words[slot * stride + EXPIRES] = expires;
    words[slot * stride + OLDER] = older;
    words[slot * stride + NEWER] = newer;
    if (older === NONE) this.#oldest = slot;
    else words[older * stride + NEWER] = slot;
    if (newer === NONE) this.#newest = slot;
    else words[newer * stride + OLDER] = slot;
  }

  #unlink(slot: number): void {
    const words = slot * this.#stride;
    this.#rejoin(slot, this.#words[words + NEWER]!, this.#words[words + OLDER]!);
    if (this.#hint === slot) this.#hint = NONE;
  }

  /** Makes the neighbours of `slot` point to `forOlder` and `forNewer` in its place. */
  #rejoin(slot: number, forOlder: number, forNewer: number): void {
    const older = this.#words[slot * this.#stride + OLDER]!;
    const newer = this.#words[slot * this.#stride + NEWER]!;
    if (older === NONE) this.#oldest = forOlder;
    else this.#words[older * this.#stride + NEWER] = forOlder;
    if (newer === NONE) this.#newest = forNewer;
    else this.#words[newer * this.#stride + OLDER] = forNewer;
  }

  /** Moves a record into a slot that is free. */
  #move(from: number, to: number, seed: boolean): void {
    this.#words[this.#indexAt + this.#indexOf(from)] = to + 1;
    this.#rejoin(from, to, to);
    if (this.#hint === from) this.#hint = to;
    const start = from * this.#stride;
    this.#words.copyWithin(to * this.#stride, start, start + this.#stride);
    this.#neighbourhoods?.move(from, to, seed);
  }

  #resize(capacity: number): void {
    const indexSize = 2 ** Math.ceil(Math.log2(capacity * 2));
    const recordWords = capacity * this.#stride;
    // A transfer gives the old memory back at once, where a copy would keep it until the next collection.
    const buffer = this.#buffer.transfer((recordWords + indexSize) * 4);
    this.#capacity = capacity;
    this.#buffer = buffer;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#indexAt = recordWords;
    this.#indexMask = indexSize - 1;
    this.#words.fill(0, this.#indexAt);
    for (let slot = 0; slot < this.#count; slot++) {
      this.#words[this.#indexAt + this.#freeFor(this.#bytes, slot * this.#stride * 4 + ENDPOINT)] = slot + 1;
    }
    this.#neighbourhoods?.resize(capacity);
    this.#keepMagnitudes(capacity >= COUNTED_FROM);
  }

  #keepMagnitudes(keep: boolean): void {
    if (keep === (this.#magnitudes !== undefined)) return;
    const sums = new Array<number>(MAGNITUDES).fill(0);
    if (keep) this.addMagnitudes(sums);
    this.#magnitudes = keep ? Uint32Array.from(sums) : undefined;
  }
}

/** The n for which 2^n ≤ `left` < 2^(n+1); -1 for less than one. */
function magnitude(left: number): number {
  return left < 2 ** 32 ? 31 - Math.clz32(left) : 63 - Math.clz32(left / 2 ** 32);
}
