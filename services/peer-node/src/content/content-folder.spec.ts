import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { infoHashFromHex, silentLogger } from '@pixtorrent/core';
import type { Metainfo } from '@pixtorrent/metainfo';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ContentFolder } from './content-folder.ts';
import { Entries } from './entries.ts';
import type { KnownEntry } from './entry-record.ts';

const A = infoHashFromHex('a'.repeat(40));
const B = infoHashFromHex('b'.repeat(40));

let root: string;
let folder: ContentFolder;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'content-folder-'));
  folder = await ContentFolder.open(root, silentLogger);
});

afterEach(() => rm(root, { recursive: true, force: true }));

function entry(name: string, version = 1, published = 7): KnownEntry {
  return { name, version, infoHash: A, size: 5, replicas: 'all', labels: { tier: 'gold' }, published };
}

async function torrents() {
  const found = [];
  for await (const { infoHash, torrent, pinned } of folder.torrents())
    found.push({ infoHash, torrent: torrent.toString(), pinned });
  return found;
}

it('forgets what was being taken in when the process ended', async () => {
  await mkdir(join(root, 'ingest', 'some', 'folder'), { recursive: true });
  await writeFile(join(root, 'ingest', 'some', 'folder', 'a.bin'), 'half of it');
  await ContentFolder.open(root, silentLogger);
  expect(await readdir(join(root, 'ingest'))).toEqual([]);
});

it('forgets what was taken in, but lost its torrent to a crash, and keeps what somebody asked to keep', async () => {
  const place = join(root, 'ingest', 'some');
  const bring = async (hash: typeof A): Promise<void> => {
    await mkdir(place);
    await writeFile(join(place, 'file'), 'bytes');
    await folder.settle(place, hash);
  };
  await bring(A);
  // As a power cut leaves it: moved, and known to nobody.
  folder = await ContentFolder.open(root, silentLogger);
  expect(await readdir(join(root, 'content'))).toEqual([]);
  await bring(A);
  await folder.saveTorrent(A, Buffer.from('a'), true);
  await bring(B);
  await folder.saveTorrent(B, Buffer.from('b'), true);
  await folder.delete(B, true);
  folder = await ContentFolder.open(root, silentLogger);
  expect((await readdir(join(root, 'content'))).sort()).toEqual(['a'.repeat(40), 'b'.repeat(40)]);
});

it('keeps what was taken in over what was here, whose torrent it has, also when that is let go of', async () => {
  await folder.saveTorrent(A, Buffer.from('a'), false);
  const place = join(root, 'ingest', 'some');
  await mkdir(place);
  await writeFile(join(place, 'file'), 'bytes');
  await folder.settle(place, A);
  folder = await ContentFolder.open(root, silentLogger);
  await folder.delete(A, true);
  folder = await ContentFolder.open(root, silentLogger);
  expect(await readFile(join(folder.paths.content(A), 'file'), 'utf8')).toBe('bytes');
});

it('keeps torrents over restarts, and passes over what is none', async () => {
  await folder.saveTorrent(A, Buffer.from('one'), false);
  await folder.saveTorrent(B, Buffer.from('two'), true);
  await writeFile(join(root, 'torrents', 'readme.txt'), 'no torrent');
  await mkdir(join(root, 'torrents', `${'c'.repeat(40)}.torrent`));
  folder = await ContentFolder.open(root, silentLogger);
  expect(await torrents()).toEqual([
    { infoHash: A, torrent: 'one', pinned: false },
    { infoHash: B, torrent: 'two', pinned: true },
  ]);
  await folder.unpin(B);
  expect((await torrents()).map(({ pinned }) => pinned)).toEqual([false, false]);
});

it('deletes a torrent with its content, or without, and ends what a crash left', async () => {
  for (const hash of [A, B]) {
    await folder.saveTorrent(hash, Buffer.from('t'), true);
    await mkdir(folder.paths.content(hash));
    await writeFile(join(folder.paths.content(hash), 'file'), 'bytes');
  }
  await folder.delete(A);
  await folder.delete(B, true);
  expect(await torrents()).toEqual([]);
  expect(await readdir(join(root, 'content'))).toEqual(['b'.repeat(40)]);
  await mkdir(join(root, 'content', '.gone-something'));
  folder = await ContentFolder.open(root, silentLogger);
  expect(await readdir(join(root, 'content'))).toEqual(['b'.repeat(40)]);
  // Of what was never there nothing is said.
  await folder.delete(A);
});

it('takes down when a torrent was used last', async () => {
  await folder.saveTorrent(A, Buffer.from('t'), false);
  await folder.touch(A, 1_700_000_000_000);
  for await (const { lastUsed } of folder.torrents()) expect(lastUsed).toBe(1_700_000_000_000);
  await folder.touch(B, 1);
});

it('has names lead to content, and a later link take the place of an earlier one', async () => {
  for (const hash of [A, B]) {
    await mkdir(join(folder.paths.content(hash), 'model'), { recursive: true });
    await writeFile(join(folder.paths.content(hash), 'model', 'weights'), hash === A ? 'old' : 'new');
  }
  const read = () => readFile(join(root, 'by-name', 'team+model', 'weights'), 'utf8');
  await folder.link('team/model', undefined, { name: 'model', infoHash: A } as Metainfo);
  expect(await read()).toBe('old');
  await folder.link('team/model', undefined, { name: 'model', infoHash: B } as Metainfo);
  expect(await read()).toBe('new');
  await folder.unlink('team/model');
  await expect(stat(join(root, 'by-name', 'team+model'))).rejects.toMatchObject({ code: 'ENOENT' });
  await folder.link('x'.repeat(253), 4_000_000, { name: 'model', infoHash: A } as Metainfo);
  expect(await readdir(join(root, 'by-name'))).toEqual([]);
});

it('refuses a folder that cannot be written to, with the name of it', async () => {
  await writeFile(join(root, 'file'), '');
  await expect(ContentFolder.open(join(root, 'file'), silentLogger)).rejects.toMatchObject({
    code: expect.stringMatching(/^(ENOTDIR|EEXIST)$/),
    path: expect.stringContaining(root),
  });
});

it('remembers entries, and what was removed, over restarts', async () => {
  const entries = await Entries.open(folder);
  await entries.keep(entry('kept'));
  await entries.keep(entry('gone'));
  await entries.remove(entry('gone'));
  await entries.remove(entry('never-heard-of'));
  // Another publication that got the same number.
  await entries.remove({ ...entry('kept'), published: 8 });
  await writeFile(join(root, 'entries', 'broken.json'), '{"name":"x"');
  const again = await Entries.open(folder);
  expect([...again.live()]).toEqual([{ ...entry('kept'), removed: false }]);
  expect([...again.removed()]).toEqual([{ ...entry('gone'), removed: true }]);
  await again.keep(entry('gone', 1, 9));
  expect([...again.live()].map(({ name }) => name)).toEqual(['kept', 'gone']);
  expect([...(await Entries.open(folder)).removed()]).toEqual([]);
});
