import { hash } from 'node:crypto';

/** Bytes of a SHA-1 digest. */
export const DIGEST_LENGTH = 20;

/**
 * The SHA-1 of each `step` bytes, one after the other; the last may be of less. The result has memory of its own,
 * so that it is cheap to post to another thread.
 */
export function digests(bytes: Uint8Array, step: number): Uint8Array {
  if (bytes.length <= step) return hash('sha1', bytes, 'buffer');
  const all = Buffer.alloc(Math.ceil(bytes.length / step) * DIGEST_LENGTH);
  for (let start = 0, at = 0; start < bytes.length; start += step, at += DIGEST_LENGTH) {
    all.set(hash('sha1', bytes.subarray(start, start + step), 'buffer'), at);
  }
  return all;
}
