import { type Clock, toHex } from '@pixtorrent/core';
import type { PieceIo, Torrent } from '@pixtorrent/engine';
import { type Metainfo, pieceSize } from '@pixtorrent/metainfo';
import {
  type CachedPieces,
  type Checkpointer,
  type Hasher,
  type Slab,
  type Slot,
  type Storage,
  writeVerified,
} from '@pixtorrent/node-io';

import type { Distribution } from '../figures/distribution.ts';

const DIGEST_LENGTH = 20;

export interface PieceBufferDependencies {
  readonly metainfo: Metainfo;
  readonly storage: Storage;
  readonly slab: Slab;
  readonly hasher: Hasher;
  readonly cache: CachedPieces;
  /** Undefined where the content is only read. */
  readonly checkpointer: Checkpointer | undefined;
  /** The disk refused a piece, or hashing broke down: the download cannot go on. */
  readonly failed: (error: Error) => void;
  readonly clock: Clock;
  /** Milliseconds of each, with the time in the queue. */
  readonly latencies: { readonly hash: Distribution; readonly diskWrite: Distribution };
}

/**
 * The memory of the pieces in progress: received into, hashed, written from, and sent from until the write is done.
 * The engine's `PieceIo`.
 */
export class PieceBuffers implements PieceIo {
  readonly #dependencies: PieceBufferDependencies;
  readonly #slots = new Map<number, Slot>();
  /** Verified, but not on the disk yet. */
  readonly #unwritten = new Map<number, Slot>();
  /** Pieces being hashed and written, and those that are written but whose memory is still needed. */
  readonly #writes = new Map<number, Promise<boolean>>();
  #endWait: (() => void) | undefined;
  #torrent: Torrent | undefined;
  #closed = false;

  constructor(dependencies: PieceBufferDependencies) {
    this.#dependencies = dependencies;
  }

  /** The engine that is answered. */
  attach(torrent: Torrent): void {
    this.#torrent = torrent;
  }

  /** Memory of a piece in progress. */
  slot(piece: number): Slot | undefined {
    return this.#slots.get(piece);
  }

  /** Memory of a verified piece that is not on the disk yet. */
  unwritten(piece: number): Slot | undefined {
    return this.#unwritten.get(piece);
  }

  /** Pieces that are being hashed or written. */
  get writing(): number {
    return this.#writes.size;
  }

  reserve(piece: number): boolean {
    const { slab, metainfo } = this.#dependencies;
    const bytes = pieceSize(metainfo, piece);
    const slot = slab.acquire(bytes);
    if (slot) {
      this.#slots.set(piece, slot);
      return true;
    }
    this.#endWait ??= slab.onAvailable(bytes, () => {
      this.#endWait = undefined;
      this.#torrent?.memoryAvailable();
    });
    return false;
  }

  release(piece: number): void {
    this.#slots.get(piece)?.release();
    this.#slots.delete(piece);
  }

  /** Hashes the piece, and writes it as well if it is right: the worker has it in its cache now. */
  verify(piece: number): void {
    const { metainfo, checkpointer, clock, latencies } = this.#dependencies;
    const { buffer } = this.#slots.get(piece)!;
    const expected = metainfo.pieceHashes.subarray(piece * DIGEST_LENGTH, (piece + 1) * DIGEST_LENGTH);
    const offset = piece * metainfo.pieceLength;
    let since = clock.now();
    const verified = (ok: boolean) => {
      const now = clock.now();
      latencies.hash.record(now - since);
      since = now;
      this.#verified(piece, ok);
    };
    const write = writeVerified(this.#dependencies, offset, buffer, expected, verified);
    this.#writes.set(piece, write);
    write.then(
      (ok) => {
        if (!ok) return;
        latencies.diskWrite.record(clock.now() - since);
        checkpointer?.stored(piece, buffer.length);
      },
      (error) => this.#fail(error),
    );
  }

  fingerprint(piece: number): void {
    this.#dependencies.hasher.fingerprint(this.#slots.get(piece)!.buffer).then(
      (digests) => {
        if (this.#closed) return;
        const blocks: string[] = [];
        for (let at = 0; at < digests.length; at += DIGEST_LENGTH) {
          blocks.push(toHex(digests.subarray(at, at + DIGEST_LENGTH)));
        }
        this.#torrent!.pieceFingerprinted(piece, blocks);
      },
      (error) => this.#fail(error),
    );
  }

  store(piece: number): void {
    this.#writes.get(piece)!.then(
      () => this.#stored(piece),
      () => {}, // `verify` has reported it
    );
  }

  /** Waits for what is being hashed and written, and lets go of the rest. Connections must have ended before. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endWait?.();
    await Promise.allSettled(this.#writes.values());
    for (const slot of this.#slots.values()) slot.release();
    this.#slots.clear();
    this.#unwritten.clear();
  }

  #verified(piece: number, ok: boolean): void {
    if (this.#closed) return;
    if (ok) this.#unwritten.set(piece, this.#slots.get(piece)!);
    else this.#writes.delete(piece);
    this.#torrent!.pieceVerified(piece, ok);
  }

  #stored(piece: number): void {
    if (this.#closed) return;
    const slot = this.#slots.get(piece)!;
    this.#dependencies.cache.insert(piece, slot);
    this.#writes.delete(piece);
    this.#unwritten.delete(piece);
    this.#slots.delete(piece);
    slot.release();
    this.#torrent!.pieceStored(piece);
  }

  #fail(error: Error): void {
    if (!this.#closed) this.#dependencies.failed(error);
  }
}
