import { createCipheriv } from 'node:crypto';
import type { TorrentShape } from '@pixtorrent/peer-protocol';

const AES_BLOCK = 16;
const ZEROS = Buffer.alloc(64 * 1024);

/**
 * Any range of an endless content that follows from `seed` alone: the key stream of AES-128-CTR, so that it is fast
 * to make, the same everywhere, and not to be compressed.
 */
export function contentRange(seed: number, offset: number, length: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeDoubleBE(seed);
  const counter = Buffer.alloc(16);
  counter.writeBigUInt64BE(BigInt(Math.floor(offset / AES_BLOCK)), 8);
  const cipher = createCipheriv('aes-128-ctr', key, counter);
  cipher.update(ZEROS.subarray(0, offset % AES_BLOCK));
  const content = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; done += ZEROS.length) {
    cipher.update(ZEROS.subarray(0, Math.min(ZEROS.length, length - done))).copy(content, done);
  }
  return content;
}

/** One piece of a content of that shape. */
export function pieceContent(seed: number, shape: TorrentShape, piece: number): Buffer {
  const offset = piece * shape.pieceLength;
  return contentRange(seed, offset, Math.min(shape.pieceLength, shape.length - offset));
}
