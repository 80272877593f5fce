import { type Metainfo, pieceSize } from '@pixtorrent/metainfo';
import { type Storage, StorageError } from '@pixtorrent/node-io';
import type { PieceBuffers } from '../piece-buffers.ts';
import type { PieceDemand, PieceSource } from './piece-demand.ts';

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds from now by which the first byte is wanted: of several readers the more urgent come first. @default 0 */
  readonly within?: number;
  /** Milliseconds that a single piece may take to come. @default 60,000 */
  readonly patience?: number;
}

export interface ReaderParts {
  readonly metainfo: Metainfo;
  readonly source: PieceSource;
  readonly demand: PieceDemand;
  readonly storage: Pick<Storage, 'read'>;
  readonly buffers: PieceBuffers;
  /** A piece that should be here cannot be read. */
  readonly lost: (piece: number, error: Error) => void;
}

/**
 * Bytes that are read and handed over at once. They are the reader's own: one who is slow keeps so much and no more,
 * and no piece memory that uploads and downloads need.
 */
const CHUNK = 256 * 1024;
/** What is asked for ahead of a reader: as many pieces, but no more bytes (and two pieces at least). */
const AHEAD_PIECES = 8;
const AHEAD_BYTES = 16 * 1024 * 1024;
/** Milliseconds that a piece may come after the one before it. */
const PIECE_TIME = 50;
/** Times in a row that the disk may lose a piece under its reader. */
const MAX_LOSSES = 3;
const PATIENCE = 60_000;

/** Reads a range of the content in order; what is not here yet is got before all else. */
export class ContentReader {
  readonly #parts: ReaderParts;
  readonly #options: ReadOptions;
  readonly #ahead: number;
  readonly #lastPiece: number;
  readonly #end: number;
  #at: number;
  /** The pieces from the first to before the last of these are demanded. */
  #firstDemanded: number;
  #nextDemanded: number;
  #losses = 0;

  /** @throws RangeError */
  constructor(parts: ReaderParts, offset: number, length: number, options: ReadOptions) {
    const { pieceLength, length: whole } = parts.metainfo;
    if (!(offset >= 0 && length >= 0 && offset + length <= whole)) {
      throw new RangeError(`${length} bytes at ${offset} of ${whole}`);
    }
    this.#parts = parts;
    this.#options = options;
    this.#ahead = Math.max(2, Math.min(AHEAD_PIECES, Math.floor(AHEAD_BYTES / pieceLength)));
    this.#at = offset;
    this.#end = offset + length;
    this.#lastPiece = Math.floor((this.#end - 1) / pieceLength);
    this.#firstDemanded = Math.floor(offset / pieceLength);
    this.#nextDemanded = this.#firstDemanded;
  }

  /** @throws ClientError, StorageError; the signal's reason */
  async *chunks(): AsyncGenerator<Buffer, void, void> {
    const { signal, patience = PATIENCE } = this.#options;
    const release = (): void => this.#release(this.#nextDemanded);
    signal?.addEventListener('abort', release, { once: true });
    try {
      while (this.#at < this.#end) {
        signal?.throwIfAborted();
        const piece = Math.floor(this.#at / this.#parts.metainfo.pieceLength);
        this.#moveOn(piece);
        await this.#parts.demand.arrival(piece, { signal, patience });
        const chunk = await this.#take(piece);
        if (chunk === undefined) continue;
        this.#losses = 0;
        this.#at += chunk.length;
        yield chunk;
      }
    } finally {
      signal?.removeEventListener('abort', release);
      release();
    }
  }

  #moveOn(piece: number): void {
    this.#release(piece);
    const end = Math.min(piece + this.#ahead, this.#lastPiece + 1);
    while (this.#nextDemanded < end) {
      const within = (this.#options.within ?? 0) + (this.#nextDemanded - piece) * PIECE_TIME;
      this.#parts.demand.add(this.#nextDemanded, within);
      this.#nextDemanded++;
    }
  }

  #release(until: number): void {
    while (this.#firstDemanded < Math.min(until, this.#nextDemanded)) {
      this.#parts.demand.release(this.#firstDemanded++);
    }
  }

  /** @returns undefined where the piece was lost meanwhile */
  async #take(piece: number): Promise<Buffer | undefined> {
    const { metainfo, buffers, storage } = this.#parts;
    const start = this.#at - piece * metainfo.pieceLength;
    const fresh = buffers.unwritten(piece);
    const rest = Math.min(CHUNK, this.#end - this.#at);
    if (fresh) return Buffer.from(fresh.buffer.subarray(start, start + rest));
    const buffer = Buffer.allocUnsafeSlow(Math.min(rest, this.#onDisk(piece)));
    try {
      await storage.read(this.#at, buffer);
      return buffer;
    } catch (error) {
      return this.#takeOne(piece, error as Error);
    }
  }

  /** Reads no further than the piece, after a failure that another piece may be to blame for. */
  async #takeOne(piece: number, failure: Error): Promise<Buffer | undefined> {
    const { metainfo, storage, lost } = this.#parts;
    if (failure instanceof StorageError && failure.code === 'closed') throw failure;
    const left = piece * metainfo.pieceLength + pieceSize(metainfo, piece) - this.#at;
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, left, this.#end - this.#at));
    try {
      await storage.read(this.#at, buffer);
      return buffer;
    } catch (error) {
      if (++this.#losses > MAX_LOSSES) throw error;
      lost(piece, error as Error);
      return undefined;
    }
  }

  /** Bytes from here on that are on the disk, as far as a chunk needs to know. */
  #onDisk(piece: number): number {
    const { metainfo, source, buffers } = this.#parts;
    const end = Math.min(this.#at + CHUNK, metainfo.length);
    let next = piece + 1;
    while (next * metainfo.pieceLength < end && source.have.has(next) && !buffers.unwritten(next)) next++;
    return Math.min(next * metainfo.pieceLength, metainfo.length) - this.#at;
  }
}
