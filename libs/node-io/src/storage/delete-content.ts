import { lstat, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '@pixtorrent/core';
import { storageError } from './errors.ts';
import type { FileStorage } from './file-storage.ts';
import { SIDE_FOLDER } from './safe-open.ts';

/**
 * Deletes a torrent's files below a folder, what is recorded of them, and the folders that are empty then. Nothing
 * is reached through a symbolic link, and what is not a regular file stays, for it is not the torrent's: so do the
 * folders with something else in them, files that were not selected, and the folder itself.
 * @param storage closed before
 * @throws StorageError
 */
export async function deleteContent({
  folder,
  content,
  layout,
}: Pick<FileStorage, 'folder' | 'content' | 'layout'>): Promise<void> {
  const tree = new Tree(folder);
  for (const [index, file] of content.files.entries()) {
    if (layout.kept[index]) await tree.remove(file.path);
  }
  if (content.infoHash) {
    const name = toHex(content.infoHash);
    for (const side of ['resume', 'resume.new', 'parts']) await tree.remove([SIDE_FOLDER, `${name}.${side}`]);
  }
  await tree.removeEmptyFolders();
}

class Tree {
  readonly #root: string;
  /** Folders that were met, by their components joined, and whether they are real ones. */
  readonly #folders = new Map<string, boolean>();

  constructor(root: string) {
    this.#root = root;
  }

  async remove(components: readonly string[]): Promise<void> {
    if (!(await this.#leadsTo(components))) return;
    const path = join(this.#root, ...components);
    try {
      if ((await lstat(path)).isFile()) await rm(path);
    } catch (error) {
      if (!isMissing(error)) throw storageError(error, path, 'write');
    }
  }

  /** Those within others first. */
  async removeEmptyFolders(): Promise<void> {
    const paths = [...this.#folders].flatMap(([path, real]) => (real ? [path] : []));
    paths.sort((a, b) => b.length - a.length);
    for (const path of paths) {
      await rmdir(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST' && !isMissing(error)) {
          throw storageError(error, path, 'write');
        }
      });
    }
  }

  /** Whether all the folders on the way are there, and none of them is a link. */
  async #leadsTo(components: readonly string[]): Promise<boolean> {
    let path = this.#root;
    for (const component of components.slice(0, -1)) {
      path = join(path, component);
      let real = this.#folders.get(path);
      if (real === undefined) {
        real = await lstat(path).then(
          (found) => found.isDirectory(),
          (error) => {
            if (isMissing(error)) return false;
            throw storageError(error, path, 'write');
          },
        );
        this.#folders.set(path, real);
      }
      if (!real) return false;
    }
    return true;
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
