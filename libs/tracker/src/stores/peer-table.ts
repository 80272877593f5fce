import { PeerTrait } from '@pixtorrent/tracker-protocol';
import { DueOrder, NONE, ORDER_WORDS } from './due-order.ts';
import type { Labels } from './labels.ts';
import { addTo, MAGNITUDES, magnitude } from './magnitudes.ts';
import { Neighbourhoods } from './neighbourhoods.ts';
import type { StoredPeer } from './peer-store.ts';
import type { Slabs } from './slabs.ts';
import { ID_WORDS, readWord, writeWord } from './words.ts';

/** What a table knows of a peer beside its endpoint, its role and its time. */
export type PeerFacts = Pick<StoredPeer, 'peerId' | 'left' | 'pixwire' | 'zone' | 'node'>;

// Words of a record behind those of its order: 32 bits each, bytes in network order.
const LEFT_LOW = ORDER_WORDS;
/** The upper bits of what is left, and whether the peer speaks PixWire. */
const LEFT_HIGH = LEFT_LOW + 1;
const ID = LEFT_HIGH + 1;
const ENDPOINT = ID + ID_WORDS;

const PIXWIRE = 1 << 31;

const SMALLEST = 2;
/** Room in the index for each peer, so that a free place is near. */
const FREE = 4 / 3;
/** Slots that 16 bits of an index can tell apart from a free place. */
const SMALL = 2 ** 16 - 1;
/** Figures that a table keeps only where looking at every peer would take long. */
const COUNTED_FROM = 256;

const NO_WORDS = new Int32Array(0);
const NO_INDEX = new Uint16Array(0);

/** What tables share. */
export interface TableShare {
  /** Of the indexes' hash, unknown to the peers, so that they cannot make it degenerate. */
  readonly seed: number;
  readonly labels: Labels;
  readonly slabs: Slabs;
}

/**
 * The peers of one swarm and one address family, in one piece of memory: 48 bytes a peer over IPv4, 60 over IPv6,
 * and an index of 3 to 6, twice that in large ones. Every operation takes constant time, apart from growing and shrinking.
 *
 * Slots are dense: leechers from 0, seeds after them, so that picking at random is drawing a number. A slot is good
 * until the next change. Each record holds its place in the order in which they expire, the bytes left, the peer ID, and
 * the endpoint: the words of the address and one of the port. The index is an open hash table from endpoint to slot + 1.
 */
export class PeerTable {
  /** Words of an endpoint. */
  readonly width: number;
  readonly #share: TableShare;
  /** Words of a record. */
  readonly #stride: number;
  readonly #order: DueOrder;
  #capacity = 0;
  #words = NO_WORDS;
  /** Behind the records, in the same memory. */
  #index: Uint16Array | Uint32Array = NO_INDEX;
  #count = 0;
  #leechers = 0;
  #neighbourhoods: Neighbourhoods | undefined;
  #magnitudes: Uint32Array | undefined;

  constructor(addressLength: number, share: TableShare) {
    this.width = addressLength / 4 + 1;
    this.#share = share;
    this.#stride = ENDPOINT + this.width;
    this.#order = new DueOrder(this.#stride);
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

  find(endpoint: Int32Array): number {
    const index = this.#index;
    const mask = index.length - 1;
    for (let at = this.#hash(endpoint, 0) & mask; ; at = (at + 1) & mask) {
      const slot = index[at]! - 1;
      if (slot === NONE || this.#hasEndpoint(slot, endpoint)) return slot;
    }
  }

  isSeed(slot: number): boolean {
    return slot >= this.#leechers;
  }

  /** Who is due first, or none. */
  get oldest(): number {
    return this.#order.oldest;
  }

  /** Milliseconds from `now` until a peer's time is up. */
  dueIn(slot: number, now: number): number {
    return this.#order.dueIn(this.#words, slot, now);
  }

  /** Adds a peer that is not in the table. */
  add(endpoint: Int32Array, peer: PeerFacts, seed: boolean, expires: number): void {
    if (this.#count === this.#capacity) this.#resize(capacityFor(this.#capacity + 1));
    let slot = this.#count;
    if (!seed) {
      if (this.#leechers < this.#count) this.#move(this.#leechers, this.#count, true);
      slot = this.#leechers++;
    }
    this.#count++;
    const start = slot * this.#stride + ENDPOINT;
    for (let i = 0; i < this.width; i++) this.#words[start + i] = endpoint[i]!;
    this.#index[this.#freeFor(endpoint, 0)] = slot + 1;
    this.#order.add(this.#words, slot, expires);
    this.#write(slot, peer, seed);
    if (!seed) this.#countLeft(slot, 1);
  }

  /** The peer has announced again, in the same role, and not before the last time. */
  refresh(slot: number, peer: PeerFacts, expires: number): void {
    this.#order.refresh(this.#words, slot, expires);
    const seed = this.isSeed(slot);
    const recount = !seed && magnitude(this.left(slot)) !== magnitude(peer.left);
    if (recount) this.#countLeft(slot, -1);
    this.#write(slot, peer, seed);
    if (recount) this.#countLeft(slot, 1);
  }

  remove(slot: number): void {
    const seed = this.isSeed(slot);
    if (!seed) this.#countLeft(slot, -1);
    this.#neighbourhoods?.remove(slot, seed);
    this.#unindex(slot);
    this.#order.remove(this.#words, slot);
    let hole = slot;
    if (!seed) {
      hole = --this.#leechers;
      if (hole !== slot) this.#move(hole, slot, false);
    }
    this.#count--;
    if (hole !== this.#count) this.#move(this.#count, hole, true);
    if (this.#capacity > 8 * SMALLEST && this.#count < this.#capacity >> 2)
      this.#resize(capacityFor(this.#capacity >> 1));
  }

  /** Gives back what it shares with other tables; nothing may be asked afterwards. */
  release(): void {
    this.#neighbourhoods?.release(this.#count);
    this.#share.slabs.give(this.#words);
    this.#words = NO_WORDS;
    this.#index = NO_INDEX;
  }

  /** @param id in words */
  hasId(slot: number, id: Int32Array): boolean {
    const start = slot * this.#stride + ID;
    // From the end: peers of one program have the same beginning.
    for (let i = ID_WORDS - 1; i >= 0; i--) if (this.#words[start + i] !== id[i]) return false;
    return true;
  }

  /** Bits of `PeerTrait`. */
  traits(slot: number): number {
    const pixwire = this.#words[slot * this.#stride + LEFT_HIGH]! < 0 ? PeerTrait.pixwire : 0;
    return this.isSeed(slot) ? pixwire | PeerTrait.seed : pixwire;
  }

  left(slot: number): number {
    const start = slot * this.#stride;
    const high = this.#words[start + LEFT_HIGH]! & ~PIXWIRE;
    return high * 2 ** 32 + (this.#words[start + LEFT_LOW]! >>> 0);
  }

  /** Writes an endpoint in compact form. */
  copyEndpoint(slot: number, into: Uint8Array, at: number): void {
    const start = slot * this.#stride + ENDPOINT;
    const port = start + this.width - 1;
    let end = at;
    for (let word = start; word < port; word++, end += 4) writeWord(into, end, this.#words[word]!);
    into[end] = this.#words[port]! >>> 8;
    into[end + 1] = this.#words[port]!;
  }

  copyId(slot: number, into: Uint8Array, at: number): void {
    const start = slot * this.#stride + ID;
    for (let i = 0; i < ID_WORDS; i++) writeWord(into, at + i * 4, this.#words[start + i]!);
  }

  /** Everybody's endpoints, one after the other. */
  endpoints(): Int32Array {
    const all = new Int32Array(this.#count * this.width);
    for (let slot = 0; slot < this.#count; slot++) {
      const start = slot * this.#stride + ENDPOINT;
      all.set(this.#words.subarray(start, start + this.width), slot * this.width);
    }
    return all;
  }

  /** Adds the leechers with 2^n to 2^(n+1) - 1 bytes left to the n-th of `sums`, which grows as is needed. */
  addMagnitudes(sums: number[]): void {
    if (this.#magnitudes !== undefined) {
      for (const [n, count] of this.#magnitudes.entries()) addTo(sums, n, count);
      return;
    }
    for (let slot = 0; slot < this.#leechers; slot++) addTo(sums, magnitude(this.left(slot)), 1);
  }

  #write(slot: number, { peerId, left, pixwire, zone, node }: PeerFacts, seed: boolean): void {
    const start = slot * this.#stride;
    this.#words[start + LEFT_LOW] = left | 0;
    this.#words[start + LEFT_HIGH] = (left / 2 ** 32) | (pixwire ? PIXWIRE : 0);
    for (let i = 0; i < ID_WORDS; i++) this.#words[start + ID + i] = readWord(peerId, i * 4);
    if (this.#neighbourhoods === undefined) {
      if (zone === '' && node === '') return;
      this.#neighbourhoods = new Neighbourhoods(this.#share.labels, this.#capacity);
    }
    this.#neighbourhoods.set(slot, zone, node, seed);
  }

  #countLeft(slot: number, by: 1 | -1): void {
    if (this.#magnitudes === undefined) return;
    const n = magnitude(this.left(slot));
    if (n >= 0) this.#magnitudes[n]! += by;
  }

  #hasEndpoint(slot: number, endpoint: Int32Array): boolean {
    const start = slot * this.#stride + ENDPOINT;
    for (let i = 0; i < this.width; i++) if (this.#words[start + i] !== endpoint[i]) return false;
    return true;
  }

  #hash(words: Int32Array, start: number): number {
    let hash = this.#share.seed;
    for (let i = 0; i < this.width; i++) {
      hash = Math.imul(hash ^ words[start + i]!, 0x2c1b3c6d);
      hash = Math.imul(hash ^ (hash >>> 15), 0x297a2d39);
      hash ^= hash >>> 13;
    }
    return hash;
  }

  /** Where the index is free for an endpoint that is not in it. */
  #freeFor(words: Int32Array, start: number): number {
    const mask = this.#index.length - 1;
    let at = this.#hash(words, start) & mask;
    while (this.#index[at] !== 0) at = (at + 1) & mask;
    return at;
  }

  /** Where the index has `slot`. */
  #indexOf(slot: number): number {
    const mask = this.#index.length - 1;
    let at = this.#hash(this.#words, slot * this.#stride + ENDPOINT) & mask;
    while (this.#index[at] !== slot + 1) at = (at + 1) & mask;
    return at;
  }

  /** Takes `slot` out of the index, and closes the gap for those that had to go past it. */
  #unindex(slot: number): void {
    const index = this.#index;
    const mask = index.length - 1;
    let gap = this.#indexOf(slot);
    for (let at = gap; ; ) {
      at = (at + 1) & mask;
      const other = index[at]! - 1;
      if (other === NONE) break;
      const home = this.#hash(this.#words, other * this.#stride + ENDPOINT) & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      index[gap] = other + 1;
      gap = at;
    }
    index[gap] = 0;
  }

  /** Moves a record into a slot that is free. */
  #move(from: number, to: number, seed: boolean): void {
    this.#index[this.#indexOf(from)] = to + 1;
    this.#order.move(this.#words, from, to);
    const start = from * this.#stride;
    this.#words.copyWithin(to * this.#stride, start, start + this.#stride);
    this.#neighbourhoods?.move(from, to, seed);
  }

  #resize(capacity: number): void {
    const [before, indexBefore] = [this.#words, this.#index];
    const size = 2 ** Math.ceil(Math.log2(capacity * FREE));
    const Index = capacity < SMALL ? Uint16Array : Uint32Array;
    const records = capacity * this.#stride;
    const words = this.#share.slabs.take(records + Math.ceil((size * Index.BYTES_PER_ELEMENT) / 4));
    words.set(before.subarray(0, this.#count * this.#stride));
    this.#words = words;
    this.#index = new Index(words.buffer, words.byteOffset + records * 4, size);
    if (indexBefore.length === size) this.#index.set(indexBefore);
    else this.#fillIndex();
    if (before !== NO_WORDS) this.#share.slabs.give(before);
    this.#capacity = capacity;
    this.#neighbourhoods?.resize(capacity);
    this.#keepMagnitudes(capacity >= COUNTED_FROM);
  }

  #fillIndex(): void {
    this.#index.fill(0);
    for (let slot = 0; slot < this.#count; slot++)
      this.#index[this.#freeFor(this.#words, slot * this.#stride + ENDPOINT)] = slot + 1;
  }

  #keepMagnitudes(keep: boolean): void {
    if (keep === (this.#magnitudes !== undefined)) return;
    if (!keep) {
      this.#magnitudes = undefined;
      return;
    }
    const sums: number[] = [];
    this.addMagnitudes(sums);
    this.#magnitudes = new Uint32Array(MAGNITUDES);
    this.#magnitudes.set(sums);
  }
}

/**
 * The least capacity for so many peers: at most an eighth more than they need from 16 on, and eight sizes to each power of
 * two, so that tables take each other's memory over.
 */
function capacityFor(peers: number): number {
  const step = Math.max(2, 2 ** (28 - Math.clz32(peers - 1)));
  return Math.ceil(peers / step) * step;
}
