import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { printable } from '@pixtorrent/core';
import { extract, type Header } from 'tar-stream';
import { IngestError } from './errors.ts';
import type { IncomingContent } from './incoming-content.ts';

/** Bytes of an archive beside those of its files, in all and for each file: headers, padding, and what follows its end. */
const BESIDE = 64 * 2 ** 20;
const BESIDE_FILE = 4 * 2 ** 10;

/** Takes every file of a tar archive. Folders come with what is in them; links and devices are refused. */
export async function takeTar(
  content: IncomingContent,
  archive: Readable,
  signal: AbortSignal,
): Promise<void> {
  const entries = extract();
  let files = 0;
  const bounded = async function* (source: AsyncIterable<Uint8Array>) {
    let fed = 0;
    for await (const chunk of source) {
      fed += chunk.length;
      if (fed - content.received > BESIDE + files * BESIDE_FILE)
        throw new IngestError('too-large', 'it is an archive of next to nothing but headers');
      yield chunk;
    }
  };
  const fed = pipeline(archive, bounded, entries as unknown as NodeJS.WritableStream, { signal });
  // It is told below too, by the entries.
  fed.catch(() => {});
  try {
    for await (const entry of entries) {
      const { header } = entry;
      if (header.type === 'directory') {
        entry.resume();
        continue;
      }
      files++;
      const bytes = entry as unknown as AsyncIterable<Uint8Array>;
      await content.file(pathOf(header), bytes, (header.mode & 0o100) !== 0);
    }
    await fed;
  } catch (error) {
    entries.destroy();
    // A file that broke off says nothing of why the archive did.
    throw known(codeOf(error) === 'STREAM_DESTROYED' ? await fed.then(() => error, same) : error);
  }
}

function pathOf({ name, type }: Header): readonly string[] {
  if (type !== 'file' && type !== 'contiguous-file')
    throw new IngestError('invalid', `${printable(name)} is a ${type}: only files and folders are taken`);
  if (name.startsWith('/')) throw new IngestError('invalid', `${printable(name)} is an absolute path`);
  const path = name.split('/');
  while (path[0] === '.') path.shift();
  if (path.length === 0) throw new IngestError('invalid', 'a file has no name');
  return path;
}

function known(error: unknown): unknown {
  const { message = '' } = error as Error;
  if (/^Invalid tar header|^Unexpected end of data/.test(message))
    return new IngestError('invalid', `it is no whole tar archive: ${printable(message)}`, { cause: error });
  return codeOf(error) === 'ERR_STREAM_PREMATURE_CLOSE'
    ? new IngestError('interrupted', 'it ended before all had come', { cause: error })
    : error;
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function same(error: unknown): unknown {
  return error;
}
