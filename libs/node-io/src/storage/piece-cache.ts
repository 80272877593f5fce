import { pieceSize } from '@pixtorrent/metainfo';
import type { TorrentShape } from '@pixtorrent/peer-protocol';
import type { Slab, Slot } from '../memory/slab.ts';
import { CacheMemory } from './cache-memory.ts';
import { CachedSegment, type Lease, type SegmentOwner } from './cached-segment.ts';
import type { Storage } from './storage.ts';

/** Bytes read at once: whole pieces up to this, larger ones in aligned segments of it. */
const SEGMENT_LENGTH = 4 * 1024 * 1024;

export interface PieceCacheOptions {
  /**
   * Bytes that may be held, sends in flight included; one segment is possible whatever it says.
   * @default half of the slab
   */
  readonly limit?: number;
}

export interface PieceCacheFigures {
  /** Bytes held. */
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
  /** Reads that wait until memory that is being sent from comes back. */
  readonly waiting: number;
}

/**
 * What was read to be sent, for all torrents of a process: a piece is read from the disk once, in one call, for all
 * who ask for it. Memory comes from the slab, and what is not being sent goes back to it as soon as a download is
 * refused some.
 */
export class PieceCache {
  readonly #memory: CacheMemory;
  readonly #counts = { hits: 0, misses: 0 };

  constructor(slab: Slab, options: PieceCacheOptions = {}) {
    this.#memory = new CacheMemory(slab, options.limit ?? Math.floor(slab.limit / 2));
  }

  /** The pieces of one torrent. */
  open(storage: Pick<Storage, 'read'>, shape: TorrentShape): CachedPieces {
    return new CachedPieces(this.#memory, this.#counts, storage, shape);
  }

  figures(): PieceCacheFigures {
    return { bytes: this.#memory.bytes, ...this.#counts, waiting: this.#memory.waiting };
  }

  /** Gives everything that is not being sent back to the slab. */
  close(): void {
    this.#memory.close();
  }
}

/** The cached pieces of one torrent. */
export class CachedPieces implements SegmentOwner {
  readonly #memory: CacheMemory;
  readonly #counts: { hits: number; misses: number };
  readonly #storage: Pick<Storage, 'read'>;
  readonly #shape: TorrentShape;
  readonly #segmentsPerPiece: number;
  readonly #segments = new Map<number, CachedSegment>();

  constructor(
    memory: CacheMemory,
    counts: { hits: number; misses: number },
    storage: Pick<Storage, 'read'>,
    shape: TorrentShape,
  ) {
    this.#memory = memory;
    this.#counts = counts;
    this.#storage = storage;
    this.#shape = shape;
    this.#segmentsPerPiece = Math.ceil(shape.pieceLength / SEGMENT_LENGTH);
  }

  /**
   * The memory that holds a range of a piece: `buffer` from `offset - start`. At once, and without any allocation,
   * where it is cached. To be released when it has been sent. `offset` and `length` are bytes within the piece.
   * @throws RangeError for a range outside the piece; StorageError (by the promise)
   */
  read(piece: number, offset: number, length: number): Lease | Promise<Lease> {
    const index = Math.floor(offset / SEGMENT_LENGTH);
    const key = piece * this.#segmentsPerPiece + index;
    const found = this.#segments.get(key);
    if (found !== undefined && offset + length <= found.end) {
      if (found.loading === undefined && found.leases === 0) this.#memory.unpark(found);
      found.leases++;
      this.#counts.hits++;
      return found.loading ?? found;
    }
    const size = pieceSize(this.#shape, piece);
    if (!(offset >= 0 && length > 0 && offset + length <= size)) {
      throw new RangeError(`${length} bytes at ${offset} of piece ${piece} with ${size}`);
    }
    this.#counts.misses++;
    const end = Math.min((index + 1) * SEGMENT_LENGTH, size);
    if (offset + length > end) return this.#loadOnce(piece, offset, length);
    const segment = new CachedSegment(this, key, index * SEGMENT_LENGTH, end);
    segment.leases = 1;
    segment.loading = this.#load(segment, piece);
    this.#segments.set(key, segment);
    return segment.loading;
  }

  /**
   * Hands over a verified piece, so that it can be sent on without reading it. The cache becomes one more holder of
   * the slot, which must not change any more.
   * @returns whether it was taken; a piece longer than a segment is not
   */
  insert(piece: number, slot: Slot): boolean {
    const size = pieceSize(this.#shape, piece);
    const key = piece * this.#segmentsPerPiece;
    if (size > SEGMENT_LENGTH || this.#segments.has(key) || !this.#memory.adopt(slot)) return false;
    const segment = new CachedSegment(this, key, 0, size);
    segment.fill(slot);
    this.#segments.set(key, segment);
    this.#memory.park(segment);
    return true;
  }

  /** What is cached of a piece is not what it should be: who asks next reads it anew. */
  drop(piece: number): void {
    const first = piece * this.#segmentsPerPiece;
    for (let key = first; key < first + this.#segmentsPerPiece; key++) {
      const segment = this.#segments.get(key);
      if (segment === undefined) continue;
      this.#segments.delete(key);
      this.#discard(segment);
    }
  }

  /** Gives the torrent's memory back; what is being sent, when it has been sent. */
  close(): void {
    for (const segment of this.#segments.values()) this.#discard(segment);
    this.#segments.clear();
  }

  /** For segments. */
  idle(segment: CachedSegment): void {
    if (segment.dropped) this.#memory.release(segment.slot!);
    else this.#memory.park(segment);
  }

  /** For the cache. */
  forget(segment: CachedSegment): void {
    this.#segments.delete(segment.key);
  }

  #discard(segment: CachedSegment): void {
    segment.dropped = true;
    if (segment.leases > 0) return;
    this.#memory.unpark(segment);
    this.#memory.release(segment.slot!);
  }

  /** A range across the border of two segments, which nobody asks for twice. */
  #loadOnce(piece: number, offset: number, length: number): Promise<Lease> {
    const segment = new CachedSegment(this, -1, offset, offset + length);
    segment.leases = 1;
    segment.dropped = true;
    return this.#load(segment, piece);
  }

  async #load(segment: CachedSegment, piece: number): Promise<Lease> {
    const slot = await this.#memory.acquire(segment.end - segment.start);
    try {
      await this.#storage.read(piece * this.#shape.pieceLength + segment.start, slot.buffer);
    } catch (error) {
      if (!segment.dropped) this.#segments.delete(segment.key);
      this.#memory.release(slot);
      throw error;
    }
    segment.fill(slot);
    return segment;
  }
}
