import { constants } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a whole file so that, whenever the machine stops, either the old one is there or the new one: to a temporary
 * name beside it, synced, renamed, and the folder synced. No symbolic link is followed. One writer a path at a time.
 * @throws the system's error
 */
export async function replaceFile(path: string, bytes: Uint8Array | string): Promise<void> {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const temporary = `${path}.new`;
  await use(await open(temporary, O_WRONLY | O_CREAT | O_TRUNC | (O_NOFOLLOW ?? 0)), async (file) => {
    await file.writeFile(bytes);
    await file.sync();
  });
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** Waits until what was added to or removed from a folder survives a loss of power. @throws the system's error */
export async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders; there the rename alone has to do.
  if (process.platform !== 'win32') await use(await open(path), (folder) => folder.sync());
}

async function use(handle: FileHandle, work: (handle: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(handle);
  } finally {
    await handle.close();
  }
}
