import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@pixtorrent/client';
import { silentLogger } from '@pixtorrent/core';
import { systemTimers, wallClock } from '@pixtorrent/service-kit';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ContentFolder } from '../content/content-folder.ts';
import { type SmallContent, smallContent } from '../fixtures/replicating-node.ts';
import { Torrents, type TorrentsDependencies } from './torrents.ts';

const SOON = { timeout: 5000, interval: 5 };
const a = smallContent('a', 40_000);
const b = smallContent('b', 40_000);
const c = smallContent('c', 40_000);
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(given: { dir?: string; client?: TorrentsDependencies['client'] } = {}) {
  const dir = given.dir ?? (await mkdtemp(join(tmpdir(), 'pix-torrents-')));
  if (given.dir === undefined) cleanups.push(() => rm(dir, { recursive: true, force: true }));
  const folder = await ContentFolder.open(dir, silentLogger);
  const client = await Client.open({ host: '127.0.0.1' });
  cleanups.push(() => client.close());
  const parts = { folder, timers: systemTimers, wallClock, logger: silentLogger };
  const torrents = new Torrents(
    { ...parts, client: given.client ?? client },
    { trackers: [], checks: 1, retryAfter: 100 },
  );
  cleanups.push(() => torrents.close());
  await torrents.open();
  return { dir, folder, client, torrents };
}

function is(torrents: Torrents, { metainfo }: SmallContent, type: string): Promise<void> {
  return vi.waitFor(() => expect(torrents.get(metainfo.infoHash)?.condition.type).toBe(type), SOON);
}

async function put(folder: ContentFolder, { metainfo, bytes }: SmallContent): Promise<void> {
  const at = folder.paths.content(metainfo.infoHash);
  await mkdir(at, { recursive: true });
  await writeFile(join(at, metainfo.name), bytes);
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A client whose checks last until they are let go on; those that are under way, and that were broken off. */
function slowClient(client: Client) {
  const checks: { name: string; goOn: () => void }[] = [];
  return {
    checks,
    download: async (...[metainfo, options]: Parameters<Client['download']>) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      checks.push({ name: metainfo.name, goOn: resolve });
      options.signal?.addEventListener('abort', () => reject(options.signal!.reason), { once: true });
      await promise;
      return client.download(metainfo, options);
    },
    remove: client.remove.bind(client),
  };
}

async function openSlow() {
  const client = await Client.open({ host: '127.0.0.1' });
  cleanups.push(() => client.close());
  const slow = slowClient(client);
  return { ...(await open({ client: slow })), checks: slow.checks };
}

describe('torrents', () => {
  it('are got, are whole when all of it is there, and are there again after a restart', async () => {
    const { dir, folder, torrents } = await open();
    const complete = vi.fn();
    torrents.on('complete', complete);
    await torrents.add(a.torrent, a.metainfo, { pinned: true, prepared: () => put(folder, a) });
    await torrents.add(b.torrent, b.metainfo, { pinned: false });
    await is(torrents, a, 'seeding');
    await is(torrents, b, 'downloading');
    expect(complete.mock.calls.map(([{ metainfo }]) => metainfo.name)).toEqual(['a']);
    await expect(torrents.add(a.torrent, a.metainfo, { pinned: false })).rejects.toMatchObject({
      code: 'known',
    });
    await torrents.close();
    await expect(torrents.add(c.torrent, c.metainfo, { pinned: false })).rejects.toMatchObject({
      code: 'closed',
    });
    await writeFile(join(dir, 'torrents', `${c.hex}.torrent`), 'no torrent');
    const again = await open({ dir });
    await is(again.torrents, a, 'seeding');
    await is(again.torrents, b, 'downloading');
    expect(again.torrents.size).toBe(2);
    expect(again.torrents.get(a.metainfo.infoHash)?.pinned).toBe(true);
    expect(again.torrents.get(b.metainfo.infoHash)?.pinned).toBe(false);
  });

  it('go with their content, or without it', async () => {
    const { dir, folder, torrents } = await open();
    for (const content of [a, b])
      await torrents.add(content.torrent, content.metainfo, {
        pinned: true,
        prepared: () => put(folder, content),
      });
    await torrents.remove(a.metainfo.infoHash);
    await torrents.remove(b.metainfo.infoHash, true);
    await expect(torrents.remove(b.metainfo.infoHash)).rejects.toMatchObject({ code: 'unknown' });
    expect(await readdir(join(dir, 'torrents'))).toEqual([]);
    expect(await readdir(join(dir, 'content'))).toEqual([b.hex]);
    expect(await isThere(join(dir, 'content', b.hex, 'b'))).toBe(true);
  });

  it('that fail say why, and go on when the disk does', async () => {
    const { dir, folder, torrents } = await open();
    // In the place of a folder.
    const obstacle = join(dir, 'content', a.hex);
    await writeFile(obstacle, '');
    await torrents.add(a.torrent, a.metainfo, { pinned: false });
    await is(torrents, a, 'failed');
    expect(torrents.get(a.metainfo.infoHash)?.condition).toMatchObject({
      reason: expect.stringMatching(/./),
    });
    await rm(obstacle);
    await put(folder, a);
    await is(torrents, a, 'seeding');
  });

  it('that failed can be removed', async () => {
    const { dir, torrents } = await open();
    await writeFile(join(dir, 'content', a.hex), '');
    await torrents.add(a.torrent, a.metainfo, { pinned: false });
    await is(torrents, a, 'failed');
    await torrents.remove(a.metainfo.infoHash);
    expect(torrents.size).toBe(0);
    expect(await readdir(join(dir, 'content'))).toEqual([]);
  });

  it('are checked in turn; who is removed meanwhile waits for nobody, and keeps nobody waiting', async () => {
    const { torrents, checks } = await openSlow();
    for (const content of [a, b, c]) await torrents.add(content.torrent, content.metainfo, { pinned: false });
    const names = () => checks.map(({ name }) => name);
    await vi.waitFor(() => expect(names()).toEqual(['a']), SOON);
    await torrents.remove(b.metainfo.infoHash);
    await torrents.remove(a.metainfo.infoHash);
    await vi.waitFor(() => expect(names()).toEqual(['a', 'c']), SOON);
    checks[1]!.goOn();
    await is(torrents, c, 'downloading');
    expect(torrents.size).toBe(1);
  });

  it('end while they are checked', async () => {
    const { torrents, checks } = await openSlow();
    for (const content of [a, b]) await torrents.add(content.torrent, content.metainfo, { pinned: false });
    await vi.waitFor(() => expect(checks).toHaveLength(1), SOON);
    await torrents.close();
    expect(checks).toHaveLength(1);
  });

  it('are made whole by what comes from elsewhere, also while they are checked, and once', async () => {
    const { folder, torrents, checks } = await openSlow();
    await torrents.add(a.torrent, a.metainfo, { pinned: false });
    await vi.waitFor(() => expect(checks).toHaveLength(1), SOON);
    const prepared = vi.fn(() => put(folder, a));
    await torrents.supply(a.metainfo.infoHash, prepared);
    await vi.waitFor(() => expect(checks).toHaveLength(2), SOON);
    checks[1]!.goOn();
    await is(torrents, a, 'seeding');
    await torrents.supply(a.metainfo.infoHash, prepared);
    expect(prepared).toHaveBeenCalledTimes(1);
    await expect(torrents.supply(b.metainfo.infoHash, prepared)).rejects.toMatchObject({ code: 'unknown' });
  });

  it('go on where what was to come from elsewhere does not', async () => {
    const { torrents } = await open();
    await torrents.add(a.torrent, a.metainfo, { pinned: false });
    await is(torrents, a, 'downloading');
    const prepared = () => Promise.reject(new Error('no disk'));
    await expect(torrents.supply(a.metainfo.infoHash, prepared)).rejects.toThrow('no disk');
    await is(torrents, a, 'downloading');
  });

  it('that are got as they are read are got whole when they are wanted, also after a restart', async () => {
    const { dir, torrents } = await open();
    await torrents.add(a.torrent, a.metainfo, { pinned: false, partial: true });
    await is(torrents, a, 'downloading');
    await torrents.close();
    const again = await open({ dir });
    expect(again.torrents.get(a.metainfo.infoHash)?.partial).toBe(true);
    await is(again.torrents, a, 'downloading');
    await again.torrents.wantAll(a.metainfo.infoHash);
    await is(again.torrents, a, 'downloading');
    expect(again.torrents.get(a.metainfo.infoHash)?.partial).toBe(false);
    expect(await readdir(join(dir, 'torrents'))).toEqual([`${a.hex}.torrent`]);
  });
});
