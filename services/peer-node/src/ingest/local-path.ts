import { createReadStream } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';
import { printable } from '@pixtorrent/core';
import { listContent, StorageError } from '@pixtorrent/node-io';
import { IngestError } from './errors.ts';
import type { Incoming } from './ingestor.ts';

const READ = 1024 * 1024;

/**
 * A file or folder below the folder that content may be taken in from. Links that lead out of it are refused.
 * @throws IngestError
 */
export async function openPath(
  folder: string,
  path: string,
): Promise<Pick<Incoming, 'name' | 'directory' | 'size' | 'fill'>> {
  const root = await realpath(folder).catch((error) => {
    throw new IngestError('source', `the ingest folder cannot be read: ${error.code}`, { cause: error });
  });
  const named = resolve(root, path.replace(/^\/+/, ''));
  const full = await realpath(named).catch((error) => {
    throw new IngestError('source', `${printable(path)}: ${error.code}`, { cause: error });
  });
  if (full === root || !full.startsWith(root + sep))
    throw new IngestError('refused', `${printable(path)} is not below the ingest folder`);
  const { content } = await listContent(full).catch((error) => {
    if (error instanceof StorageError) throw new IngestError('invalid', error.message, { cause: error });
    throw error;
  });
  const files = typeof content === 'number' ? [{ path: [], length: content, executable: false }] : content;
  return {
    name: basename(full),
    directory: typeof content !== 'number',
    size: files.reduce((sum, { length }) => sum + length, 0),
    async fill(incoming, signal) {
      for (const { path: inside, executable } of files) {
        signal.throwIfAborted();
        const bytes = createReadStream(join(full, ...inside), { highWaterMark: READ, signal });
        await incoming.file(inside, bytes, executable ?? false);
      }
    },
  };
}
