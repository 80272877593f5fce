import { type ServiceError, status } from '@grpc/grpc-js';
import { CatalogError, draftOf, MemoryCatalogStore } from '@pixtorrent/catalog';
import { catalog as wire } from '@pixtorrent/contracts';
import { DETAILS_TRAILER } from '@pixtorrent/service-kit';
import { describe, expect, it, vi } from 'vitest';
import {
  get,
  gone,
  list,
  lost,
  MEBIBYTE,
  memoryStore,
  PATIENCE,
  publish,
  remove,
  restore,
  serve,
  Told,
  torrent,
} from './fixtures/served-catalog.ts';

describe('publishing', () => {
  it('makes versions, and gives back what was published, with the torrent of a terabyte', async () => {
    const { client } = await serve();
    const large = torrent(7, 5 * MEBIBYTE);
    const labels = { zone: 'a', empty: '' };
    const entry = await publish(client, {
      name: 'models/one',
      torrent: large,
      replicas: { wanted: { $case: 'count', count: 3 } },
      labels,
    });
    expect(entry).toMatchObject({ name: 'models/one', version: 1, labels });
    expect(entry.replicas).toEqual({ wanted: { $case: 'count', count: 3 } });
    expect(entry.torrent).toHaveLength(0);
    expect(entry.size).toBeGreaterThan(4e12);
    expect(entry.infoHash).toEqual(Buffer.from(draftOf({ name: 'x', torrent: large }).infoHash));
    expect(Math.abs(entry.publishedMs - Date.now())).toBeLessThan(60_000);
    const second = await publish(client, { name: 'models/one' });
    expect([second.version, second.replicas]).toEqual([2, { wanted: { $case: 'all', all: true } }]);
    expect(await publish(client, { name: 'models/one' })).toEqual(second);
    const first = await get(client, 'models/one', 1);
    expect(Buffer.compare(first.torrent, large)).toBe(0);
    expect((await get(client, 'models/one')).version).toBe(2);
  });

  it('takes a torrent of 16 MiB, and says clearly that it takes no larger one', async () => {
    const { client } = await serve();
    const largest = torrent(1, 16 * MEBIBYTE);
    await publish(client, { torrent: largest });
    expect((await get(client, 'a')).torrent).toHaveLength(largest.length);
    await expect(publish(client, { torrent: torrent(1, 16 * MEBIBYTE + 1000) })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(/^torrent: has 167\d+ bytes, at most 16777216 are allowed/),
    });
    await expect(publish(client, { torrent: torrent(1, 21 * MEBIBYTE) })).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    });
  });

  it('answers others while it reads a torrent of very many files', async () => {
    const { client, store, service } = await serve();
    await store.publish(draftOf({ name: 'small', torrent: torrent(1) }));
    const files = Array.from({ length: 100_000 }, (_, i) => `d6:lengthi1e4:pathl6:${100_000 + i}ee`).join('');
    const many = Buffer.from(
      `d4:infod5:filesl${files}e4:name1:x12:piece length${`i${2 ** 24}e`}6:pieces20:${'p'.repeat(20)}ee`,
    );
    let published = false;
    const publishing = publish(client, { name: 'many', torrent: many }).then((entry) => {
      published = true;
      return entry;
    });
    await vi.waitFor(() => expect(service.figures.reading).toBe(1), { ...PATIENCE, interval: 1 });
    for (let i = 0; i < 5; i++) await get(client, 'small');
    expect(published).toBe(false);
    expect((await publishing).size).toBe(100_000);
    expect(service.figures.reading).toBe(0);
  });

  it('says what is wrong with a large torrent, with all else that is wrong', async () => {
    const { client } = await serve();
    const broken = Buffer.concat([torrent(1, 100_000), Buffer.from('x')]);
    await expect(publish(client, { torrent: broken, name: 'A' })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(/^name: .*; torrent: is no torrent that can be shared: byte \d+: /),
    });
  });

  it('lists every field that is wrong', async () => {
    const { client } = await serve();
    const error: ServiceError = await publish(client, {
      name: 'Not/A//Name',
      torrent: Buffer.from('d4:spam4:eggse'),
      replicas: { wanted: { $case: 'all', all: false } },
      labels: { '': 'x', ['k'.repeat(64)]: 'x', ok: 'v'.repeat(256), fine: 'x' },
    }).then(
      () => expect.fail('it was taken'),
      (reason) => reason,
    );
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    const details = (error.metadata.get(DETAILS_TRAILER)[0] as Buffer).toString('latin1');
    const fields = ['name', 'torrent', 'replicas', 'labels.', `labels.${'k'.repeat(56)}…`, 'labels.ok'];
    for (const field of fields) expect(error.details).toContain(`${field}: `);
    expect(details).toContain('google.rpc.BadRequest');
    expect(details).toContain('info: is missing');
    expect(error.details).not.toContain('labels.fine');
  });
});

describe('asking', () => {
  it('pages through all of it, newest versions or all of them, by labels', async () => {
    const { client, store } = await serve();
    for (let i = 0; i < 25; i++) {
      const name = `n${String(i % 20).padStart(2, '0')}`;
      await store.publish(draftOf({ name, torrent: torrent(i), labels: { even: String(i % 2 === 0) } }));
    }
    const pages = async (request: Partial<wire.ListRequest>) => {
      const sizes: number[] = [];
      const found: string[] = [];
      for (let pageToken = ''; ; ) {
        const page = await list(client, { ...request, pageToken });
        expect(page.entries.every(({ torrent: bytes }) => bytes.length === 0)).toBe(true);
        sizes.push(page.entries.length);
        found.push(...page.entries.map(({ name, version }) => `${name}@${version}`));
        pageToken = page.nextPageToken;
        if (pageToken === '') return { sizes, found };
      }
    };
    expect((await pages({ pageSize: 5 })).sizes).toEqual([5, 5, 5, 5]);
    const all = await pages({ pageSize: 7, allVersions: true });
    expect(all.sizes).toEqual([7, 7, 7, 4]);
    expect(all.found.slice(0, 5)).toEqual(['n00@1', 'n00@2', 'n01@1', 'n01@2', 'n02@1']);
    expect((await pages({ labels: { even: 'true' }, pageSize: 3 })).found).toHaveLength(10);
    expect(await pages({ labels: { even: 'x' } })).toEqual({ sizes: [0], found: [] });
  });

  it('ends a page early where labels are long, so that any client can take it', async () => {
    const { client, store } = await serve();
    const labels = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`key${i}`, 'v'.repeat(255)]));
    for (let i = 0; i < 200; i++)
      await store.publish(draftOf({ name: `n${1000 + i}`, torrent: torrent(i), labels }));
    const names: string[] = [];
    for (let pageToken = ''; ; ) {
      const page = await list(client, { pageSize: 1000, pageToken });
      expect(wire.ListResponse.encode(page).finish().length).toBeLessThan(2 * MEBIBYTE);
      names.push(...page.entries.map(({ name }) => name));
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    expect(names).toEqual(Array.from({ length: 200 }, (_, i) => `n${1000 + i}`));
  });

  it('says what is not there, and what is no question', async () => {
    const { client } = await serve();
    await publish(client);
    const notFound = { code: status.NOT_FOUND };
    await expect(get(client, 'b')).rejects.toMatchObject(notFound);
    await expect(get(client, 'a', 2)).rejects.toMatchObject({
      ...notFound,
      details: 'version 2 of a is not in the catalogue',
    });
    await expect(remove(client, 'a', 2)).rejects.toMatchObject(notFound);
    const wrong = { code: status.INVALID_ARGUMENT };
    await expect(get(client, '../a')).rejects.toMatchObject(wrong);
    await expect(remove(client, '')).rejects.toMatchObject({ ...wrong, details: 'name: is missing' });
    await expect(list(client, { pageSize: 1001, pageToken: 'x', labels: { '': '' } })).rejects.toMatchObject({
      ...wrong,
      details: expect.stringMatching(/labels\.: .*; page_size: .*; page_token: /),
    });
    expect(await remove(client, 'a')).toEqual({ removed: 1 });
    await expect(remove(client, 'a')).rejects.toMatchObject(notFound);
  });

  it('says that the catalogue is full, or away, or faulty, each in its way', async () => {
    const small = new MemoryCatalogStore({ wallClock: { now: () => 0 } }, { maxNames: 1 });
    const { client } = await serve({}, small);
    await publish(client);
    await expect(publish(client, { name: 'b' })).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    const get_ = vi.spyOn(small, 'get');
    get_.mockRejectedValueOnce(new CatalogError('unavailable', 'the store does not answer'));
    await expect(get(client, 'a')).rejects.toMatchObject({ code: status.UNAVAILABLE });
    get_.mockRejectedValueOnce(new TypeError('secret'));
    await expect(get(client, 'a')).rejects.toMatchObject({
      code: status.INTERNAL,
      details: expect.not.stringContaining('secret'),
    });
  });

  it('lists what it remembers while the store is away, and says that it does', async () => {
    const store = memoryStore();
    const list_ = vi.spyOn(store, 'list').mockRejectedValue(new CatalogError('unavailable', 'away'));
    const { client, catalog } = await serve({}, store);
    await expect(list(client)).rejects.toMatchObject({ code: status.UNAVAILABLE });
    list_.mockRestore();
    await catalog.whenReady();
    for (const name of ['b', 'a', 'c']) await publish(client, { name });
    expect(await list(client)).toMatchObject({ entries: [{ name: 'a' }, {}, {}], stale: false });
    vi.spyOn(store, 'list').mockRejectedValue(new CatalogError('unavailable', 'away'));
    const first = await list(client, { pageSize: 2 });
    expect(first).toMatchObject({ entries: [{ name: 'a' }, { name: 'b' }], stale: true });
    expect(await list(client, { pageSize: 2, pageToken: first.nextPageToken })).toMatchObject({
      entries: [{ name: 'c' }],
      nextPageToken: '',
      stale: true,
    });
  });
});

describe('what the catalogue has lost', () => {
  it('comes back as it was, and what was removed does not', async () => {
    const { client } = await serve();
    const told = new Told(client);
    await told.is(['synced']);
    const labels = { kind: 'model' };
    const replicas: wire.Replicas = { wanted: { $case: 'count', count: 3 } };
    const second = lost({ version: 2, torrent: torrent(2, 100_000), publishedMs: 2000, labels, replicas });
    const request = {
      entries: [lost({ version: 1 }), second, lost({ name: 'b', version: 4 })],
      removed: [gone('a', 1), gone('c', 7)],
    };
    for (let times = 0; times < 2; times++) {
      const { refused } = await restore(client, request);
      expect(refused).toEqual([gone('a', 1)]);
    }
    const entry = await get(client, 'a');
    const { infoHash, size } = await publish(client, { name: 'same', torrent: second.torrent });
    expect(entry).toEqual({ ...second, infoHash, size });
    expect((await publish(client, { name: 'c' })).version).toBe(8);
    expect((await publish(client, { name: 'd', afterVersion: 11 })).version).toBe(12);
    await told.is(['synced', 'a@2', 'b@4', 'same@1', 'c@8', 'd@12']);
    await remove(client, 'b');
    const late = new Told(client, { removals: true });
    await late.is(['-a@1', '-c@7', '-b@4', 'a@2', 'same@1', 'c@8', 'd@12', 'synced']);
    await vi.waitFor(() => expect(told.words.at(-1)).toBe('-b@4'), PATIENCE);
  });

  it('is told with what was removed, however much that is', async () => {
    const { client } = await serve();
    for (let from = 0; from < 2000; from += 1000)
      await restore(client, { removed: Array.from({ length: 1000 }, (_, i) => gone(`n${from + i}`, 1)) });
    const told = new Told(client, { removals: true });
    await told.is([...Array.from({ length: 2000 }, (_, i) => `-n${i}@1`), 'synced']);
  });

  it.each<[string, Partial<wire.RestoreRequest>, string]>([
    ['a name', { entries: [lost(), lost({ name: '..' })] }, 'entries[1].name: '],
    ['no version', { entries: [lost({ version: 0 })] }, 'entries[0].version: is 0, 1 to 2147483647'],
    ['a version', { removed: [gone('a', 2 ** 31)] }, 'removed[0].version: '],
    ['a time', { removed: [gone('a', 1, 0)] }, 'removed[0].published_ms: '],
    ['a torrent', { entries: [lost({ torrent: Buffer.from('no') })] }, 'entries[0].torrent: '],
    ['a label', { entries: [lost({ labels: { k: 'x'.repeat(256) } })] }, 'entries[0].labels.k: '],
    ['so many', { removed: Array.from({ length: 1001 }, () => gone('a', 1)) }, 'removed: are 1001'],
  ])('is not taken where %s is wrong', async (_, request, message) => {
    const { client } = await serve();
    const error = await restore(client, request).catch((reason: ServiceError) => reason);
    expect(error).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect((error as ServiceError).metadata.get(DETAILS_TRAILER).join()).toContain(message.split(':')[0]);
    expect((error as ServiceError).details).toContain(message.split(': ')[1]);
  });

  it('has a version after which new ones come, and no larger one than there are', async () => {
    const { client } = await serve();
    const error = await publish(client, { afterVersion: 2 ** 31 }).catch((reason: ServiceError) => reason);
    expect(error).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(/^after_version: /),
    });
  });
});
