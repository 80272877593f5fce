import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { printable } from '@pixtorrent/core';
import type { ContentFile } from '@pixtorrent/metainfo';
import { StorageError, storageError } from './errors.ts';
import { SIDE_FOLDER } from './safe-open.ts';

/** A file or folder that is to become a torrent. */
export interface ContentListing {
  readonly name: string;
  /** The folder that holds it. */
  readonly parent: string;
  /** The files of a folder, in the order of their paths; the bytes of a single file. */
  readonly content: readonly ContentFile[] | number;
}

/** Folders within folders. */
const MAX_DEPTH = 100;

/**
 * Lists a file, or a folder with all that is in it. Symbolic links and special files are refused: a torrent has none.
 * @throws StorageError, `unsuitable` for what cannot become a torrent
 */
export async function listContent(path: string): Promise<ContentListing> {
  const full = resolve(path);
  const found = await look(full);
  const where = { name: basename(full), parent: dirname(full) };
  if (found.isFile()) return { ...where, content: found.size };
  if (!found.isDirectory()) throw unsuitable(path, 'is neither a file nor a folder');
  const files: ContentFile[] = [];
  await walk(full, [], files);
  if (files.length === 0) throw unsuitable(path, 'holds no files');
  return { ...where, content: files };
}

async function walk(folder: string, path: readonly string[], files: ContentFile[]): Promise<void> {
  if (path.length > MAX_DEPTH) throw unsuitable(folder, 'is too deep');
  const entries = await readdir(folder).catch((error) => {
    throw storageError(error, folder, 'read');
  });
  for (const name of entries.sort()) {
    if (path.length === 0 && name === SIDE_FOLDER) continue;
    const full = join(folder, name);
    const found = await look(full);
    if (found.isDirectory()) await walk(full, [...path, name], files);
    else if (found.isFile()) {
      const executable = process.platform !== 'win32' && (found.mode & 0o100) !== 0;
      files.push({ path: [...path, name], length: found.size, executable });
    } else throw unsuitable(full, 'is neither a file nor a folder: a torrent holds no links');
  }
}

function look(path: string): Promise<Stats> {
  return lstat(path).catch((error) => {
    throw storageError(error, path, 'read');
  });
}

function unsuitable(path: string, why: string): StorageError {
  return new StorageError('unsuitable', path, `${printable(path, 500)} ${why}`);
}
