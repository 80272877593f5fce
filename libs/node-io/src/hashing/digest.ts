import { hash } from 'node:crypto';

/** Bytes of a SHA-1 digest. */
export const DIGEST_LENGTH = 20;

/** Bytes of the unit that is requested (BEP 3). */
const BLOCK_LENGTH = 16 * 1024;

export function sha1(bytes: Uint8Array): Buffer {
  return hash('sha1', bytes, 'buffer');
}

/** The digests of each 16 KiB, one after the other; the last may be of less. */
export function blockDigests(bytes: Uint8Array): Buffer {
  const digests = Buffer.alloc(Math.ceil(bytes.length / BLOCK_LENGTH) * DIGEST_LENGTH);
  for (let start = 0, at = 0; start < bytes.length; start += BLOCK_LENGTH, at += DIGEST_LENGTH) {
    digests.set(sha1(bytes.subarray(start, start + BLOCK_LENGTH)), at);
  }
  return digests;
}
