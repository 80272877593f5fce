import { ID_LENGTH, type InfoHash, infoHash, sameBytes } from '@pixtorrent/core';

/** What a node has of a torrent. */
export interface Holding {
  readonly infoHash: InfoHash;
  /** Bytes that are verified; equal to `size` where it is whole. */
  readonly have: number;
  readonly size: number;
  /** Bytes a second. */
  readonly downRate: number;
  readonly upRate: number;
  /** Connected peers. */
  readonly peers: number;
  /** Copies of the rarest piece that the node sees, its own included. */
  readonly availability: number;
}

/** Info hash; have, size and both rates as doubles; peers and availability in four bytes each. */
const PACKED = ID_LENGTH + 4 * 8 + 2 * 4;

/** What a node has, packed: a tracker keeps those of thousands of nodes, and mostly only compares them. */
export class Holdings implements Iterable<Holding> {
  static readonly NONE = new Holdings(new Uint8Array(0));
  /** 60 bytes each, big-endian. */
  readonly bytes: Uint8Array;

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  static of(list: readonly Holding[]): Holdings {
    if (list.length === 0) return Holdings.NONE;
    const bytes = new Uint8Array(list.length * PACKED);
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (const { infoHash: hash, have, size, downRate, upRate, peers, availability } of list) {
      bytes.set(hash, at);
      view.setFloat64(at + 20, have);
      view.setFloat64(at + 28, size);
      view.setFloat64(at + 36, downRate);
      view.setFloat64(at + 44, upRate);
      view.setUint32(at + 52, peers);
      view.setUint32(at + 56, availability);
      at += PACKED;
    }
    return new Holdings(bytes);
  }

  /** @param bytes as `bytes` were; not copied. @throws RangeError where they end in the middle */
  static from(bytes: Uint8Array): Holdings {
    if (bytes.length % PACKED !== 0) throw new RangeError(`holdings: ${bytes.length} bytes`);
    return bytes.length === 0 ? Holdings.NONE : new Holdings(bytes);
  }

  get length(): number {
    return this.bytes.length / PACKED;
  }

  equals(other: Holdings): boolean {
    return sameBytes(this.bytes, other.bytes);
  }

  *[Symbol.iterator](): IterableIterator<Holding> {
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    for (let at = 0; at < this.bytes.length; at += PACKED)
      yield {
        infoHash: infoHash(this.bytes.subarray(at, at + ID_LENGTH)),
        have: view.getFloat64(at + 20),
        size: view.getFloat64(at + 28),
        downRate: view.getFloat64(at + 36),
        upRate: view.getFloat64(at + 44),
        peers: view.getUint32(at + 52),
        availability: view.getUint32(at + 56),
      };
  }
}
