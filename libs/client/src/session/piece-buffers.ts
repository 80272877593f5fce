import { sameBytes, toHex } from '@pixtorrent/core';
import type { PieceIo, Torrent } from '@pixtorrent/engine';
import { type Metainfo, pieceSize } from '@pixtorrent/metainfo';
import type { CachedPieces, Checkpointer, Hasher, Slab, Slot, Storage } from '@pixtorrent/node-io';

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
  readonly #writes = new Set<Promise<void>>();
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

  verify(piece: number): void {
    const { hasher, metainfo } = this.#dependencies;
    const expected = metainfo.pieceHashes.subarray(piece * DIGEST_LENGTH, (piece + 1) * DIGEST_LENGTH);
    hasher.sha1(this.#slots.get(piece)!.buffer).then(
      (digest) => {
        if (this.#closed) return;
        const ok = sameBytes(digest, expected);
        if (ok) this.#unwritten.set(piece, this.#slots.get(piece)!);
        this.#torrent!.pieceVerified(piece, ok);
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
    const write = this.#write(piece, this.#slots.get(piece)!).finally(() => this.#writes.delete(write));
    this.#writes.add(write);
  }

  /** Waits for what is being written, and lets go of the rest. Connections must have ended before. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endWait?.();
    await Promise.all(this.#writes);
    for (const slot of this.#slots.values()) slot.release();
    this.#slots.clear();
    this.#unwritten.clear();
  }

  async #write(piece: number, slot: Slot): Promise<void> {
    const { storage, metainfo, cache, checkpointer } = this.#dependencies;
    try {
      await storage.write(piece * metainfo.pieceLength, slot.buffer);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    checkpointer?.stored(piece, slot.buffer.length);
    cache.insert(piece, slot);
    this.#unwritten.delete(piece);
    this.#slots.delete(piece);
    slot.release();
    if (!this.#closed) this.#torrent!.pieceStored(piece);
  }

  #fail(error: Error): void {
    if (!this.#closed) this.#dependencies.failed(error);
  }
}
