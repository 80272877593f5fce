import { type Cipheriv, createCipheriv, createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { interrupted } from '../interrupt.ts';

const STEP = 4 * 1024 * 1024;
/** Bytes of a step of the counter that the bytes are made by. */
const BLOCK = 16;

/**
 * Writes a file whose bytes look random and are the same each time.
 * @param onProgress told the bytes that are written
 * @returns its SHA-256, hex
 * @throws the system's error; CliError `interrupted`
 */
export async function generateFile(
  path: string,
  size: number,
  onProgress: (written: number) => void,
): Promise<string> {
  const stream = streamFrom(0);
  const hash = createHash('sha256');
  const zeros = Buffer.alloc(STEP);
  const file = await open(path, 'wx');
  try {
    for (let written = 0; written < size; ) {
      interrupted.throwIfAborted();
      const bytes = stream.update(zeros.subarray(0, Math.min(STEP, size - written)));
      hash.update(bytes);
      await file.writeFile(bytes);
      written += bytes.length;
      onProgress(written);
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

/** Some of the bytes of such a file. */
export function generatedBytes(offset: number, length: number): Buffer {
  const before = offset % BLOCK;
  return streamFrom((offset - before) / BLOCK)
    .update(Buffer.alloc(before + length))
    .subarray(before);
}

function streamFrom(block: number): Cipheriv {
  const key = createHash('sha256').update('pixtorrent demo').digest().subarray(0, 16);
  const counter = Buffer.alloc(BLOCK);
  counter.writeBigUInt64BE(BigInt(block), BLOCK - 8);
  return createCipheriv('aes-128-ctr', key, counter);
}

/** SHA-256, hex. */
export async function digestFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: STEP }), hash, { signal: interrupted });
  return hash.digest('hex');
}
