import type { FileHandle } from 'node:fs/promises';
import type { ByteRange } from '../ranges/byte-ranges.ts';
import type { SendBuffers } from './send-memory.ts';

/** A file is shorter than it was. */
export class ShortFileError extends Error {}

/**
 * Reads a range of a file; each chunk is good until the next is asked for, which is read meanwhile. Two buffers of
 * 256 KiB: 0.53 s of CPU per GiB, where a stream takes 0.8 to 1.1, and `sendfile` through a foreign function 0.54.
 * @throws ShortFileError, the system's error
 */
export async function* fileChunks(
  file: FileHandle,
  { start, end }: ByteRange,
  buffers: SendBuffers,
): AsyncGenerator<Buffer, void, void> {
  let at = start;
  let which = 0;
  const next = (): Promise<Buffer> => {
    const buffer = buffers[which]!;
    which = 1 - which;
    const length = Math.min(buffer.length, end - at);
    const reading = file.read(buffer, 0, length, at).then(({ bytesRead }) => {
      if (bytesRead < length) throw new ShortFileError(`the file ends before byte ${end}`);
      return buffer.subarray(0, length);
    });
    at += length;
    return reading;
  };
  let reading: Promise<Buffer> | undefined = next();
  try {
    while (reading !== undefined) {
      const chunk: Buffer = await reading;
      reading = at < end ? next() : undefined;
      // Whoever does not come for it any more is not to be told that it failed.
      reading?.catch(() => {});
      yield chunk;
    }
  } finally {
    // Until then the buffer is written to.
    await reading?.catch(() => {});
  }
}
