import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileStorage } from './file-storage.ts';
import { type MadeFile, madeTorrent, temporaryFolder } from './fixtures/made-torrent.ts';

let folder: string;
let remove: () => Promise<void>;
beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
});
afterEach(() => remove());

async function refusal(files: readonly MadeFile[]): Promise<unknown> {
  try {
    await (await FileStorage.forDownload(folder, madeTorrent(files, 16).metainfo)).close();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('FileStorage for download', () => {
  it('makes every file at its full size, the empty ones too, and takes no room for what has not arrived', async () => {
    const big = 64 * 1024 * 1024;
    const { metainfo } = madeTorrent(
      [
        { length: 5, path: ['t', 'a', 'b', 'deep'] },
        { length: 0, path: ['t', 'empty'] },
        { length: 11, padding: true, path: ['t', '.pad', '11'] },
        { length: 7, path: ['t', 'run'], executable: true },
      ],
      16,
    );
    const huge = { ...metainfo, length: metainfo.length + big, files: [...metainfo.files] };
    huge.files.push({ ...metainfo.files[0]!, path: ['t', 'big'], offset: metainfo.length, length: big });
    const storage = await FileStorage.forDownload(join(folder, 'new', 'dir'), huge);
    await storage.close();
    const at = (...path: string[]) => statSync(join(folder, 'new', 'dir', 't', ...path));
    expect(at('a', 'b', 'deep').size).toBe(5);
    expect(at('empty').size).toBe(0);
    expect(at('run').size).toBe(7);
    expect(at('run').mode & 0o100).toBe(0o100);
    expect(at('empty').mode & 0o111).toBe(0);
    expect(at('big').size).toBe(big);
    expect(at('big').blocks * 512).toBeLessThan(1024 * 1024);
    expect(readdirSync(join(folder, 'new', 'dir', 't')).sort()).toEqual(['a', 'big', 'empty', 'run']);
    expect([...storage.created]).toHaveLength(4);
  });

  it('keeps what is there already, and sees that it is not new', async () => {
    const { metainfo, content } = madeTorrent([{ length: 40 }, { length: 40 }], 16);
    await mkdir(join(folder, 'content'));
    await writeFile(join(folder, 'content', 'file-0'), content.subarray(0, 30));
    const storage = await FileStorage.forDownload(folder, metainfo);
    expect([...storage.created]).toEqual([1]);
    const bytes = Buffer.alloc(32);
    await storage.read(0, bytes);
    expect(bytes.subarray(0, 30).equals(content.subarray(0, 30))).toBe(true);
    await storage.close();
  });

  it('creates only selected files, and beside them the side file for shared pieces', async () => {
    const { metainfo, content } = madeTorrent([{ length: 20 }, { length: 100 }], 16);
    const storage = await FileStorage.forDownload(folder, metainfo, { selected: new Set([0]) });
    await storage.write(16, content.subarray(16, 32));
    await storage.close();
    expect(await readdir(join(folder, 'content'))).toEqual(['file-0']);
    expect(
      readFileSync(join(folder, 'content', 'file-0'))
        .subarray(16)
        .equals(content.subarray(16, 20)),
    ).toBe(true);
    const side = Buffer.from(metainfo.infoHash).toString('hex');
    expect(await readdir(join(folder, '.pixtorrent'))).toEqual([`${side}.parts`]);
    const all = await FileStorage.forDownload(folder, metainfo);
    await all.close();
    expect(await readdir(join(folder, '.pixtorrent'))).toEqual([]);
  });

  it('follows no symbolic link, wherever in the path it is', async () => {
    const outside = join(folder, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'victim'), 'precious');
    await symlink(outside, join(folder, 'link'));
    await symlink(join(outside, 'victim'), join(folder, 'file'));
    await symlink(join(outside, 'not-there-yet'), join(folder, 'dangling'));
    for (const path of [['link', 'victim'], ['link', 'new'], ['link', 'a', 'b'], ['file'], ['dangling']]) {
      expect(await refusal([{ length: 8, path }])).toMatchObject({ code: 'unsafe-path' });
    }
    expect(readdirSync(outside)).toEqual(['victim']);
    expect(readFileSync(join(outside, 'victim'), 'utf8')).toBe('precious');
  });

  it('does not follow a link that was put in place of a file or folder later', async () => {
    const { metainfo, content } = madeTorrent([{ length: 16 }, { length: 16 }], 16);
    const storage = await FileStorage.forDownload(folder, metainfo, { maxOpenFiles: 1 });
    await mkdir(join(folder, 'outside'));
    await writeFile(join(folder, 'outside', 'file-1'), 'precious');
    await rm(join(folder, 'content'), { recursive: true });
    await symlink(join(folder, 'outside'), join(folder, 'content'));
    await expect(storage.write(16, content.subarray(16))).rejects.toMatchObject({ code: 'unsafe-path' });
    expect(readFileSync(join(folder, 'outside', 'file-1'), 'utf8')).toBe('precious');
    await storage.close();
  });

  it('refuses what is no regular file where one should be, and a file where a folder should be', async () => {
    await mkdir(join(folder, 'a-folder'));
    execFileSync('mkfifo', [join(folder, 'a-pipe')]);
    await writeFile(join(folder, 'a-file'), 'x');
    for (const path of [['a-folder'], ['a-pipe'], ['a-file', 'below']]) {
      expect(await refusal([{ length: 8, path }])).toMatchObject({ code: 'unsafe-path' });
    }
  });

  it('refuses a torrent that reaches into our own folder', async () => {
    for (const path of [['.pixtorrent', 'x'], ['.PixTorrent'], ['.pixtorrent', 'a', 'b']]) {
      expect(await refusal([{ length: 8, path }])).toMatchObject({ code: 'unsafe-path' });
    }
    await mkdir(join(folder, 'outside'));
    await symlink(join(folder, 'outside'), join(folder, '.pixtorrent'));
    const { metainfo } = madeTorrent([{ length: 20 }, { length: 20 }], 16);
    await expect(FileStorage.forDownload(folder, metainfo, { selected: new Set([0]) })).rejects.toMatchObject(
      { code: 'unsafe-path' },
    );
    expect(readdirSync(join(folder, 'outside'))).toEqual([]);
  });

  it('stops at the first file that it cannot make', async () => {
    await writeFile(join(folder, 'file-0'), 'longer than one byte');
    const files = Array.from({ length: 200 }, (_, index) => ({ length: 1, path: [`file-${index}`] }));
    expect(await refusal(files)).toMatchObject({ code: 'too-long' });
    expect(readdirSync(folder).length).toBeLessThan(100);
  });

  it('refuses to cut a file that is longer than the torrent says', async () => {
    await writeFile(join(folder, 'thesis'), 'much longer than eight bytes');
    const error = await refusal([{ length: 8, path: ['thesis'] }]);
    expect(error).toMatchObject({ code: 'too-long', path: join(folder, 'thesis') });
    expect(readFileSync(join(folder, 'thesis'), 'utf8')).toBe('much longer than eight bytes');
  });

  it('makes no file readable by more than the process does by default', async () => {
    expect(await refusal([{ length: 8, path: ['plain'] }])).toBeUndefined();
    const allowed = 0o666 & ~process.umask();
    expect(lstatSync(join(folder, 'plain')).mode & 0o777).toBe(allowed);
  });
});

describe('FileStorage for seeding', () => {
  it('changes nothing, and says which file has vanished or is too short', async () => {
    const { metainfo, content } = madeTorrent([{ length: 16 }, { length: 16 }, { length: 16 }], 16);
    await mkdir(join(folder, 'content'));
    for (const file of [0, 1, 2]) {
      await writeFile(join(folder, 'content', `file-${file}`), content.subarray(file * 16, file * 16 + 16));
    }
    const storage = FileStorage.forSeeding(folder, metainfo);
    const bytes = Buffer.alloc(16);
    await storage.read(0, bytes);
    expect(bytes.equals(content.subarray(0, 16))).toBe(true);
    await rm(join(folder, 'content', 'file-1'));
    await truncate(join(folder, 'content', 'file-2'), 5);
    await expect(storage.read(16, bytes)).rejects.toMatchObject({
      code: 'missing',
      path: join(folder, 'content', 'file-1'),
    });
    await expect(storage.read(32, bytes)).rejects.toMatchObject({
      code: 'truncated',
      message: expect.stringContaining('ends at byte 5'),
    });
    await expect(storage.write(0, bytes)).rejects.toMatchObject({ code: 'write-failed' });
    await storage.close();
    expect(readdirSync(folder)).toEqual(['content']);
  });

  it('follows links, for what is read is verified', async () => {
    const { metainfo, content } = madeTorrent([{ length: 16, path: ['model'] }], 16);
    await writeFile(join(folder, 'blob'), content);
    await symlink('blob', join(folder, 'model'));
    const storage = FileStorage.forSeeding(folder, metainfo);
    const bytes = Buffer.alloc(16);
    await storage.read(0, bytes);
    expect(bytes.equals(content)).toBe(true);
    await storage.close();
  });
});

/** A file system of its own takes root. */
const root = process.platform === 'linux' && process.getuid?.() === 0;
if (!root) console.warn('not root on Linux: the tests of a full and of a read-only disk are skipped');

describe.runIf(root)('FileStorage on a small disk', () => {
  beforeEach(() => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'pixtorrent-test', folder]);
  });
  afterEach(() => {
    execFileSync('umount', [folder]);
  });

  it('says that the disk is full, and of which file', async () => {
    const { metainfo, content } = madeTorrent([{ length: 1024 * 1024, path: ['big'] }], 64 * 1024);
    const storage = await FileStorage.forDownload(folder, metainfo);
    const writes = async () => {
      for (let at = 0; at < content.length; at += 65536)
        await storage.write(at, content.subarray(at, at + 65536));
    };
    await expect(writes()).rejects.toMatchObject({ code: 'disk-full', path: join(folder, 'big') });
    await storage.close();
  });

  it('says that it may not write on a read-only disk', async () => {
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    expect(await refusal([{ length: 8, path: ['t', 'x'] }])).toMatchObject({ code: 'permission' });
  });
});
