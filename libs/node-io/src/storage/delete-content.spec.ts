import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bitfield } from '@pixtorrent/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deleteContent } from './delete-content.ts';
import { FileStorage } from './file-storage.ts';
import { madeTorrent, temporaryFolder } from './fixtures/made-torrent.ts';
import { ResumeFile } from './resume-file.ts';

const { metainfo } = madeTorrent(
  [
    { length: 100_000, path: ['tree', 'a'] },
    { length: 31_072, path: ['tree', 'pad'], padding: true },
    { length: 5, path: ['tree', 'deep', 'er', 'b'] },
    { length: 0, path: ['tree', 'deep', 'empty'] },
  ],
  65_536,
);

let folder: string;
let outside: string;
const removals: (() => Promise<void>)[] = [];

beforeEach(async () => {
  const [inner, outer] = [await temporaryFolder(), await temporaryFolder()];
  folder = inner.folder;
  outside = outer.folder;
  removals.push(inner.remove, outer.remove);
});

afterEach(async () => {
  for (const remove of removals.splice(0)) await remove();
});

/** Downloaded, as far as the disk can tell. */
async function stored(selected?: ReadonlySet<number>): Promise<FileStorage> {
  const storage = await FileStorage.forDownload(folder, metainfo, selected ? { selected } : {});
  await new ResumeFile(folder, metainfo).save(storage, new Bitfield(metainfo.pieceCount), true);
  await storage.close();
  return storage;
}

const all = async () => (await readdir(folder, { recursive: true })).sort();

describe('deleting a torrent', () => {
  it('leaves nothing of it, not even when it is done twice', async () => {
    const storage = await stored();
    expect(await all()).toContain(join('tree', 'deep', 'er', 'b'));
    await deleteContent(storage);
    expect(await all()).toEqual([]);
    await deleteContent(storage);
  });

  it('leaves what is not its own, and the folders of that', async () => {
    const storage = await stored(new Set([0, 2]));
    await writeFile(join(folder, 'tree', 'deep', 'mine'), 'x');
    await writeFile(join(folder, 'tree', 'deep', 'empty'), 'not selected');
    await writeFile(join(folder, '.pixtorrent', 'other.resume'), 'x');
    await rm(join(folder, 'tree', 'a'));
    await mkdir(join(folder, 'tree', 'a'));
    await deleteContent(storage);
    expect(await all()).toEqual([
      '.pixtorrent',
      join('.pixtorrent', 'other.resume'),
      'tree',
      join('tree', 'a'),
      join('tree', 'deep'),
      join('tree', 'deep', 'empty'),
      join('tree', 'deep', 'mine'),
    ]);
  });

  it('reaches nothing through a link', async () => {
    const storage = await stored();
    await mkdir(join(outside, 'er'));
    for (const path of ['er/b', 'empty', 'a']) await writeFile(join(outside, path), 'precious');
    await rm(join(folder, 'tree', 'deep'), { recursive: true });
    await symlink(outside, join(folder, 'tree', 'deep'));
    await rm(join(folder, 'tree', 'a'));
    await symlink(join(outside, 'a'), join(folder, 'tree', 'a'));
    await deleteContent(storage);
    for (const path of ['er/b', 'empty', 'a']) {
      expect(await readFile(join(outside, path), 'utf8')).toBe('precious');
    }
    expect(await readdir(folder)).toEqual(['tree']);
    expect((await readdir(join(folder, 'tree'))).sort()).toEqual(['a', 'deep']);
  });
});
