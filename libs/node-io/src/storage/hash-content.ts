import { DIGEST_LENGTH } from '../hashing/digest.ts';
import type { Hasher } from '../hashing/hasher.ts';
import { Slab, type Slot } from '../memory/slab.ts';
import { StorageError } from './errors.ts';
import { inLanes } from './in-lanes.ts';
import type { Storage } from './storage.ts';

/** What is hashed, by whom, and in what memory. */
export interface HashSource {
  readonly storage: Pick<Storage, 'read'>;
  /** Bytes in every piece but the last. */
  readonly pieceLength: number;
  /** Bytes of the whole content. */
  readonly length: number;
  readonly hasher: Hasher;
  readonly slab: Slab;
}

export interface HashProgress {
  readonly signal?: AbortSignal;
  /** Called after each step: bytes done, and bytes in all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Bytes read at once, as far as pieces are shorter. */
const STEP = 2 * 1024 * 1024;
/** Bytes in progress at once, unless two pieces are more. */
const MEMORY = 32 * 1024 * 1024;

/**
 * The SHA-1 of every piece of a content, in order, on all cores (BEP 3 `pieces`).
 * Measured for 1 GiB in the page cache, pieces of 1 MiB: 0.59 s with one worker, 0.42 s with two (0.8 s of CPU).
 * @throws StorageError; the signal's reason when it is aborted
 */
export async function hashContent(
  source: Omit<HashSource, 'slab'>,
  options: HashProgress = {},
): Promise<Uint8Array> {
  const count = Math.ceil(source.length / source.pieceLength);
  const digests = new Uint8Array(count * DIGEST_LENGTH);
  const slab = new Slab({ limit: lanesOf(source) * stepOf(source), sendReserve: 0 });
  const everyPiece = Array.from({ length: count }, (_, piece) => piece);
  await hashPieces({ ...source, slab }, everyPiece, options, {
    digest: (piece, digest) => digests.set(digest, piece * DIGEST_LENGTH),
    unreadable: (error) => {
      throw error;
    },
  });
  return digests;
}

/** Where the digests go; called in any order. */
export interface DigestSink {
  /** @param digest 20 bytes, valid during the call */
  digest(piece: number, digest: Uint8Array): void;
  /** The piece could not be read. */
  unreadable(error: StorageError, piece: number): void;
}

/**
 * Hashes some pieces, given in ascending order. Adjacent ones are read together; reading and hashing overlap. Memory
 * is asked from the slab a step at a time.
 */
export async function hashPieces(
  source: HashSource,
  pieces: readonly number[],
  options: HashProgress,
  sink: DigestSink,
): Promise<void> {
  const runs = runsOf(pieces, Math.max(1, Math.floor(STEP / source.pieceLength)));
  const total = pieces.reduce((sum, piece) => sum + bytesOf(source, piece, 1), 0);
  let done = 0;
  await inLanes(runs, lanesOf(source), async (run) => {
    options.signal?.throwIfAborted();
    const length = bytesOf(source, run.first, run.count);
    const slot = await memory(source.slab, length, options.signal);
    try {
      await hashRun(source, run, slot, sink);
    } finally {
      slot.release();
    }
    done += length;
    options.onProgress?.(done, total);
  });
}

interface Run {
  readonly first: number;
  readonly count: number;
}

async function hashRun(source: HashSource, run: Run, slot: Slot, sink: DigestSink): Promise<void> {
  const length = bytesOf(source, run.first, run.count);
  const bytes = slot.buffer.subarray(0, length);
  try {
    await source.storage.read(run.first * source.pieceLength, bytes);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    if (run.count === 1) return sink.unreadable(error, run.first);
    for (let piece = run.first; piece < run.first + run.count; piece++) {
      await hashRun(source, { first: piece, count: 1 }, slot, sink);
    }
    return;
  }
  const digests = await source.hasher.digests(bytes, length, source.pieceLength);
  for (let index = 0; index < run.count; index++) {
    const at = index * DIGEST_LENGTH;
    sink.digest(run.first + index, digests.subarray(at, at + DIGEST_LENGTH));
  }
}

/** Bytes read at once. */
function stepOf(source: Pick<HashSource, 'pieceLength'>): number {
  return Math.max(STEP, source.pieceLength);
}

/** One being read for each that is being hashed, as long as that does not take too much memory. */
function lanesOf(source: Pick<HashSource, 'hasher' | 'pieceLength'>): number {
  return Math.max(2, Math.min(2 * source.hasher.parallelism, Math.floor(MEMORY / stepOf(source))));
}

function bytesOf(source: Pick<HashSource, 'pieceLength' | 'length'>, first: number, count: number): number {
  const start = first * source.pieceLength;
  return Math.min(source.length, start + count * source.pieceLength) - start;
}

function* runsOf(pieces: readonly number[], most: number): Generator<Run> {
  let first = 0;
  let count = 0;
  for (const piece of pieces) {
    if (count > 0 && (piece !== first + count || count === most)) {
      yield { first, count };
      count = 0;
    }
    if (count++ === 0) first = piece;
  }
  if (count > 0) yield { first, count };
}

/** @throws the signal's reason */
async function memory(slab: Slab, bytes: number, signal: AbortSignal | undefined): Promise<Slot> {
  const slot = slab.acquire(bytes);
  if (slot !== undefined) return slot;
  return new Promise<Slot>((resolve, reject) => {
    const stop = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = slab.onAvailable(bytes, () => {
      signal?.removeEventListener('abort', stop);
      resolve(slab.acquire(bytes)!);
    });
    signal?.addEventListener('abort', stop, { once: true });
  });
}
