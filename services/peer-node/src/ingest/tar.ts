import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { printable } from '@pixtorrent/core';
import { extract, type Header } from 'tar-stream';
import { IngestError } from './errors.ts';
import type { IncomingContent } from './incoming-content.ts';

/** Takes every file of a tar archive. Folders come with what is in them; links and devices are refused. */
export async function takeTar(
  content: IncomingContent,
  archive: Readable,
  signal: AbortSignal,
): Promise<void> {
  const entries = extract();
  const fed = pipeline(archive, entries as unknown as NodeJS.WritableStream, { signal });
  // It is told below too, by the entries.
  fed.catch(() => {});
  try {
    for await (const entry of entries) {
      const { header } = entry;
      if (header.type === 'directory') {
        entry.resume();
        continue;
      }
      const bytes = entry as unknown as AsyncIterable<Uint8Array>;
      await content.file(pathOf(header), bytes, (header.mode & 0o100) !== 0);
    }
    await fed;
  } catch (error) {
    entries.destroy();
    throw known(error);
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
  const { message = '', code } = error as NodeJS.ErrnoException;
  if (/^Invalid tar header|^Unexpected end of data/.test(message))
    return new IngestError('invalid', `it is no whole tar archive: ${printable(message)}`, { cause: error });
  return code === 'ERR_STREAM_PREMATURE_CLOSE'
    ? new IngestError('interrupted', 'it ended before all had come', { cause: error })
    : error;
}
