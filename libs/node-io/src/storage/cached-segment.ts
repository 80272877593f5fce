import { Buffer } from 'node:buffer';
import type { Slot } from '../memory/slab.ts';

/** Cached bytes of one piece, held for one reader until it releases them. */
export interface Lease {
  /** What is cached; not to be written to. */
  readonly buffer: Buffer;
  /** The offset within the piece of the first byte of `buffer`. */
  readonly start: number;
  /** To be called once, when the bytes have been sent. */
  release(): void;
}

/** Who can find a segment. */
export interface SegmentOwner {
  /** Its last reader released it. */
  idle(segment: CachedSegment): void;
  /** Its memory was needed. */
  forget(segment: CachedSegment): void;
}

const NOTHING = Buffer.alloc(0);

/** A piece, or an aligned part of one, that is in memory or on its way there. */
export class CachedSegment implements Lease {
  readonly key: number;
  readonly start: number;
  /** The offset within the piece of the byte after the last. */
  readonly end: number;
  readonly owner: SegmentOwner;
  buffer: Buffer = NOTHING;
  slot: Slot | undefined;
  /** Resolves when it is in memory; undefined once it is. */
  loading: Promise<Lease> | undefined;
  leases = 0;
  /** No longer to be found: its memory is freed at the last release. */
  dropped = false;
  /** Neighbours in the list of those that nobody uses. */
  older: CachedSegment | undefined;
  newer: CachedSegment | undefined;

  constructor(owner: SegmentOwner, key: number, start: number, end: number) {
    this.owner = owner;
    this.key = key;
    this.start = start;
    this.end = end;
  }

  fill(slot: Slot): void {
    this.slot = slot;
    this.buffer = slot.buffer;
    this.loading = undefined;
  }

  release(): void {
    if (this.leases === 0) throw new Error('lease released twice');
    if (--this.leases === 0) this.owner.idle(this);
  }
}

/** The segments that nobody uses, the one unused for longest first. Adding and removing take constant time. */
export class IdleList {
  oldest: CachedSegment | undefined;
  #newest: CachedSegment | undefined;

  add(segment: CachedSegment): void {
    segment.older = this.#newest;
    if (this.#newest === undefined) this.oldest = segment;
    else this.#newest.newer = segment;
    this.#newest = segment;
  }

  remove(segment: CachedSegment): void {
    if (segment.older === undefined) this.oldest = segment.newer;
    else segment.older.newer = segment.newer;
    if (segment.newer === undefined) this.#newest = segment.older;
    else segment.newer.older = segment.older;
    segment.older = undefined;
    segment.newer = undefined;
  }
}
