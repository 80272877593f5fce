import { constants } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a whole file so that, whenever the machine stops, either the old one is there or the new one: to a temporary
 * name beside it, synced, renamed, and the folder synced. No symbolic link is followed. One writer a path at a time.
 * @param durable where false nothing is synced: it holds when the process is killed, and not when the power fails
 * @throws the system's error
 */
export async function replaceFile(path: string, bytes: Uint8Array | string, durable = true): Promise<void> {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const temporary = `${path}.new`;
  await use(await open(temporary, O_WRONLY | O_CREAT | O_TRUNC | (O_NOFOLLOW ?? 0)), async (file) => {
    await file.writeFile(bytes);
    if (durable) await file.sync();
  });
  await rename(temporary, path);
  if (durable) await syncFolder(dirname(path));
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
