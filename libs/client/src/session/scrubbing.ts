import { sameBytes, type Timers } from '@pixtorrent/core';
import { TokenBucket } from '@pixtorrent/engine';
import { type Metainfo, pieceSize } from '@pixtorrent/metainfo';
import { type Hasher, type Storage, StorageError, systemClock } from '@pixtorrent/node-io';
import { pause } from './pause.ts';
import type { PieceBuffers } from './piece-buffers.ts';
import type { PieceSource } from './reading/piece-demand.ts';

export interface ScrubOptions {
  /** Bytes read a second, 0 for as many as the disk gives. @default 0 */
  readonly bytesPerSecond?: number;
  readonly signal?: AbortSignal;
  /** The piece to begin with, where an earlier one was broken off. @default 0 */
  readonly from?: number;
}

export interface ScrubProgress {
  /** The piece that was looked at last. */
  readonly piece: number;
  /** Whether it was right. */
  readonly good: boolean;
  /** Bytes looked at so far. */
  readonly bytes: number;
}

export interface ScrubParts {
  readonly metainfo: Metainfo;
  readonly source: Pick<PieceSource, 'have'>;
  readonly storage: Pick<Storage, 'read'>;
  readonly buffers: PieceBuffers;
  readonly hasher: Hasher;
  readonly timers: Timers;
  readonly lost: (piece: number, error: Error) => void;
}

const DIGEST_LENGTH = 20;

/**
 * Hashes again what is here, a piece at a time, and takes what is wrong or cannot be read for lost.
 * @throws the signal's reason; StorageError `closed`, HashError
 */
export async function* scrub(
  parts: ScrubParts,
  options: ScrubOptions,
): AsyncGenerator<ScrubProgress, void, void> {
  const { metainfo, source, buffers } = parts;
  const rate = options.bytesPerSecond || Number.POSITIVE_INFINITY;
  const limit = new TokenBucket(rate, systemClock.now());
  const memory = Buffer.from(new SharedArrayBuffer(Math.min(metainfo.pieceLength, metainfo.length)));
  let bytes = 0;
  for (let piece = options.from ?? 0; piece < metainfo.pieceCount; piece++) {
    if (!source.have.has(piece) || buffers.unwritten(piece)) continue;
    const wait = limit.wait(systemClock.now());
    if (wait > 0) await pause(parts.timers, wait, options.signal);
    options.signal?.throwIfAborted();
    const size = pieceSize(metainfo, piece);
    limit.take(size, systemClock.now());
    const fault = await look(parts, piece, memory.subarray(0, size));
    if (fault) parts.lost(piece, fault);
    bytes += size;
    yield { piece, good: fault === undefined, bytes };
  }
}

/** @returns what is wrong with the piece */
async function look(parts: ScrubParts, piece: number, memory: Buffer): Promise<Error | undefined> {
  const { metainfo, storage, hasher } = parts;
  try {
    await storage.read(piece * metainfo.pieceLength, memory);
  } catch (error) {
    if (error instanceof StorageError && error.code !== 'closed') return error;
    throw error;
  }
  const expected = metainfo.pieceHashes.subarray(piece * DIGEST_LENGTH, (piece + 1) * DIGEST_LENGTH);
  if (sameBytes(await hasher.sha1(memory), expected)) return undefined;
  return new StorageError('corrupt', '', `piece ${piece} of ${metainfo.name} is not what it was`);
}
