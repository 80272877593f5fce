import { sameBytes } from '@pixtorrent/core';
import type { Hasher } from '../hashing/hasher.ts';
import type { Storage } from './storage.ts';

/**
 * Stores `bytes` at `offset` if their SHA-1 is the expected one: in one go on a worker where they all lie in one file,
 * else one step after the other. The bytes must not change until then.
 * @param verified called as soon as the SHA-1 is known, before anything is written
 * @returns whether the SHA-1 was right, once the bytes are stored. @throws StorageError, HashError
 */
export async function writeVerified(
  { storage, hasher }: { readonly storage: Storage; readonly hasher: Hasher },
  offset: number,
  bytes: Uint8Array,
  expected: Uint8Array,
  verified: (ok: boolean) => void,
): Promise<boolean> {
  if (hasher.offloads(bytes)) {
    const written = storage.writeDirectly?.(offset, bytes.length, (target) =>
      hasher.writeVerified(bytes, expected, target, verified),
    );
    if (written) return written;
  }
  const ok = sameBytes(await hasher.sha1(bytes), expected);
  verified(ok);
  if (ok) await storage.write(offset, bytes);
  return ok;
}
