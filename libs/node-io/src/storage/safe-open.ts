import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { printable } from '@pixtorrent/core';
import { StorageError } from './errors.ts';

/** Windows has no such flag; there the check of each component is all there is. */
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;

/** Our own folder below the download folder. */
export const SIDE_FOLDER = '.pixtorrent';

/**
 * Opens files below a folder, through no symbolic link and nothing but folders and regular files, so that no torrent
 * can reach outside. The folder itself may be a link: the user named it.
 */
export class SafeFolder {
  readonly path: string;
  /** Folders checked or made so far, to check each once while many files are opened. */
  readonly #checked = new Set<string>();

  constructor(path: string) {
    this.path = path;
  }

  /**
   * @param path components below the folder
   * @returns the open file, to read and write, and whether it was created just now, with `mode`
   * @throws StorageError `unsafe-path`; errors of the system as they are
   */
  async openOrCreate(
    path: readonly string[],
    mode: number,
  ): Promise<{ handle: FileHandle; created: boolean }> {
    await this.#folders(path, true);
    const full = join(this.path, ...path);
    const created = (await regularFile(full)) === undefined;
    const flags = constants.O_RDWR | NO_FOLLOW | (created ? constants.O_CREAT | constants.O_EXCL : 0);
    return { handle: await open(full, flags, mode), created };
  }

  /** Opens an existing file to read and write. @throws as `openOrCreate` does */
  async open(path: readonly string[]): Promise<FileHandle> {
    await this.#folders(path, false);
    const full = join(this.path, ...path);
    await regularFile(full);
    return open(full, constants.O_RDWR | NO_FOLLOW);
  }

  /** Removes a file that nothing needs any more; one that cannot be removed, or has a link on its way, stays. */
  async remove(path: readonly string[]): Promise<void> {
    try {
      await this.#folders(path, false);
      await rm(join(this.path, ...path), { force: true });
    } catch {
      // It does no harm.
    }
  }

  async #folders(path: readonly string[], create: boolean): Promise<void> {
    let folder = this.path;
    for (const component of path.slice(0, -1)) {
      folder = join(folder, component);
      if (this.#checked.has(folder)) continue;
      if (create) await mkdir(folder).catch(unlessExists);
      const found = await lstat(folder);
      if (!found.isDirectory()) throw unsafe(folder, found);
      this.#checked.add(folder);
    }
  }
}

/** @returns undefined where nothing is there */
async function regularFile(path: string): Promise<Stats | undefined> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found !== undefined && !found.isFile()) throw unsafe(path, found);
  return found;
}

function unsafe(path: string, found: Stats): StorageError {
  const what = found.isSymbolicLink() ? 'a symbolic link' : 'not what the torrent has there';
  const message = `${printable(path, 500)} is ${what}; move it away to download here`;
  return new StorageError('unsafe-path', path, message);
}

function unlessExists(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
