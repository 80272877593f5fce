import type { Bitfield } from '@pixtorrent/core';
import { SeededRandom } from '@pixtorrent/core';
import { type Metainfo, pieceSize } from '@pixtorrent/metainfo';
import { checkContent, FileStorage, Hasher, type HashProgress, Slab } from '@pixtorrent/node-io';

/** What a check found. */
export interface Verification {
  readonly pieces: Bitfield;
  /** Files with pieces that are missing or wrong: their indexes, and how many pieces. */
  readonly bad: readonly { readonly file: number; readonly pieces: number }[];
}

const MEMORY = 64 * 1024 * 1024;

/**
 * Hashes all the content in a folder; nothing that was recorded before is trusted.
 * @throws StorageError; the signal's reason when it is aborted
 */
export async function verifyContent(
  metainfo: Metainfo,
  dir: string,
  progress: HashProgress = {},
): Promise<Verification> {
  const storage = FileStorage.forSeeding(dir, metainfo);
  const hasher = new Hasher();
  const slab = new Slab({ limit: Math.max(MEMORY, 2 * metainfo.pieceLength), sendReserve: 0 });
  try {
    const random = new SeededRandom(0);
    const pieces = await checkContent({ storage, metainfo, hasher, slab, random }, undefined, progress);
    const wrong = new Map<number, number>();
    for (let piece = 0; piece < metainfo.pieceCount; piece++) {
      if (pieces.has(piece)) continue;
      for (const file of storage.layout.filesOf(piece * metainfo.pieceLength, pieceSize(metainfo, piece))) {
        wrong.set(file, (wrong.get(file) ?? 0) + 1);
      }
    }
    return { pieces, bad: [...wrong].map(([file, count]) => ({ file, pieces: count })) };
  } finally {
    await hasher.close();
    await storage.close();
  }
}
