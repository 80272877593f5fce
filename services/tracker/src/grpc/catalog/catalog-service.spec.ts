import { credentials, type ServiceError, status } from '@grpc/grpc-js';
import {
  CachedCatalog,
  CatalogError,
  type CatalogStore,
  draftOf,
  MemoryCatalogStore,
} from '@pixtorrent/catalog';
import { descriptors, catalog as wire } from '@pixtorrent/contracts';
import { SeededRandom, silentLogger } from '@pixtorrent/core';
import { DETAILS_TRAILER, GrpcServer, Metrics, systemTimers } from '@pixtorrent/service-kit';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { addCatalogMetrics } from './catalog-metrics.ts';
import { type CatalogService, type CatalogServiceOptions, catalogService } from './catalog-service.ts';

const MEBIBYTE = 2 ** 20;
const PATIENCE = { timeout: 20_000, interval: 5 };
/** Messages that a client of grpc-js takes in before it is asked for them. */
const READ_AHEAD = 16;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (let cleanup = cleanups.pop(); cleanup; cleanup = cleanups.pop()) await cleanup();
});

interface Served {
  readonly store: CatalogStore;
  readonly catalog: CachedCatalog;
  readonly service: CatalogService;
  readonly client: wire.CatalogServiceClient;
}

async function serve(options: CatalogServiceOptions = {}, store = memoryStore()): Promise<Served> {
  const random = new SeededRandom(1);
  const catalog = new CachedCatalog(
    { store, timers: systemTimers, random, logger: silentLogger },
    { shortestPause: 20, longestPause: 50 },
  );
  const service = catalogService({ store, catalog, timers: systemTimers, logger: silentLogger }, options);
  const server = await GrpcServer.listen({ host: '127.0.0.1', port: 0, services: [service], descriptors });
  const client = new wire.CatalogServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 32 * MEBIBYTE,
  });
  cleanups.push(
    () => server.drain(100),
    () => service.close(),
    () => catalog.close(),
    () => client.close(),
  );
  return { store, catalog, service, client };
}

function memoryStore(): CatalogStore {
  return new MemoryCatalogStore({ wallClock: { now: () => Date.now() } });
}

type Unary<Request, Response> = (
  request: Request,
  callback: (error: ServiceError | null, response: Response) => void,
) => unknown;

function ask<Request, Response>(
  client: wire.CatalogServiceClient,
  call: Unary<Request, Response>,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    call.call(client, request, (error, response) => (error ? reject(error) : resolve(response)));
  });
}

const publish = (client: wire.CatalogServiceClient, request: Partial<wire.PublishRequest> = {}) =>
  ask(client, client.publish as Unary<wire.PublishRequest, wire.PublishResponse>, {
    name: 'a',
    torrent: torrent(1),
    replicas: undefined,
    labels: {},
    afterVersion: 0,
    ...request,
  }).then(({ entry }) => entry!);
const get = (client: wire.CatalogServiceClient, name: string, version = 0) =>
  ask(client, client.get as Unary<wire.GetRequest, wire.GetResponse>, { name, version }).then(
    ({ entry }) => entry!,
  );
const list = (client: wire.CatalogServiceClient, request: Partial<wire.ListRequest> = {}) =>
  ask(client, client.list as Unary<wire.ListRequest, wire.ListResponse>, {
    pageSize: 0,
    pageToken: '',
    labels: {},
    allVersions: false,
    ...request,
  });
const remove = (client: wire.CatalogServiceClient, name: string, version = 0) =>
  ask(client, client.remove as Unary<wire.RemoveRequest, wire.RemoveResponse>, { name, version });

const restore = (client: wire.CatalogServiceClient, request: Partial<wire.RestoreRequest>) =>
  ask(client, client.restore as Unary<wire.RestoreRequest, wire.RestoreResponse>, {
    entries: [],
    removed: [],
    ...request,
  });

function lost(entry: Partial<wire.Entry> = {}): wire.Entry {
  const given = { name: 'a', version: 1, torrent: torrent(1), publishedMs: 1000, labels: {} };
  return { ...given, infoHash: Buffer.alloc(0), size: 0, replicas: undefined, ...entry };
}

function gone(name: string, version: number, publishedMs = 1000): wire.Removed {
  return { name, version, publishedMs, infoHash: Buffer.alloc(0) };
}

/** A torrent file of `bytes`, or as small as can be. */
function torrent(content: number, bytes = 0): Buffer {
  const pieces = Math.max(1, Math.ceil((bytes - 150) / 20));
  const length = (pieces - 1) * 2 ** 24 + content + 1;
  const head = `d4:infod6:lengthi${length}e4:name1:x12:piece lengthi${2 ** 24}e6:pieces${pieces * 20}:`;
  return Buffer.concat([Buffer.from(head), Buffer.alloc(pieces * 20, content % 251), Buffer.from('ee')]);
}

/** What a watcher is told, in words. */
class Told {
  readonly words: string[] = [];
  readonly torrents: Buffer[] = [];
  readonly call: ReturnType<wire.CatalogServiceClient['watch']>;
  error: ServiceError | undefined;

  constructor(client: wire.CatalogServiceClient, request: Partial<wire.WatchRequest> = {}) {
    this.call = client.watch({ labels: {}, torrents: false, removals: false, ...request });
    this.call.on('data', ({ event }: wire.WatchResponse) => {
      if (event?.$case === 'published') {
        this.words.push(`${event.published.name}@${event.published.version}`);
        this.torrents.push(event.published.torrent);
      } else if (event?.$case === 'removed')
        this.words.push(`-${event.removed.name}@${event.removed.version}`);
      else if (event?.$case === 'lost') this.words.push(`?${event.lost.name}@${event.lost.version}`);
      else this.words.push('synced');
    });
    this.call.on('error', (error) => {
      this.error = error as ServiceError;
    });
    cleanups.push(() => this.call.cancel());
  }

  /** What those who follow what they are told believe to be there. */
  get believed(): string[] {
    const there = new Set<string>();
    for (const word of this.words) {
      if (word.startsWith('-')) there.delete(word.slice(1));
      else if (word !== 'synced') there.add(word);
    }
    return [...there].sort();
  }

  is(words: readonly string[]): Promise<void> {
    return vi.waitFor(() => expect(this.words).toEqual(words), PATIENCE);
  }
}

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

describe('watching', () => {
  it('tells what is there, that this was all, then changes in their order', async () => {
    const { client, store } = await serve();
    await publish(client, { name: 'b' });
    await publish(client, { name: 'a' });
    await publish(client, { name: 'a', torrent: torrent(2) });
    const told = new Told(client);
    await vi.waitFor(() => expect(told.words).toHaveLength(4), PATIENCE);
    expect(told.words.slice(0, 3).sort()).toEqual(['a@1', 'a@2', 'b@1']);
    expect(told.words[3]).toBe('synced');
    told.words.length = 0;
    const expected: string[] = [];
    for (let i = 0; i < 50; i++) {
      await store.publish(draftOf({ name: `n${i % 5}`, torrent: torrent(i) }));
      expected.push(`n${i % 5}@${Math.floor(i / 5) + 1}`);
    }
    await remove(client, 'a');
    await told.is([...expected, '-a@1', '-a@2']);
    expect(told.torrents.every((bytes) => bytes.length === 0)).toBe(true);
  });

  it('tells only of the labels that are asked for, with torrents where they are', async () => {
    const { client } = await serve();
    const labels = { zone: 'a', kind: 'model' };
    await publish(client, { name: 'a', labels });
    await publish(client, { name: 'b', labels: { zone: 'b' } });
    const told = new Told(client, { labels: { zone: 'a' }, torrents: true });
    await told.is(['a@1', 'synced']);
    await publish(client, { name: 'b', labels: { zone: 'c' } });
    await publish(client, { name: 'c', labels, torrent: torrent(3) });
    await remove(client, 'b');
    await remove(client, 'a');
    await told.is(['a@1', 'synced', 'c@1', '-a@1']);
    expect(told.torrents).toEqual([torrent(1), torrent(3)]);
    const bad = new Told(client, { labels: { '': 'x' } });
    await vi.waitFor(() => expect(bad.error?.code).toBe(status.INVALID_ARGUMENT), PATIENCE);
  });

  it('tells only that a torrent is gone where it went before it could be fetched', async () => {
    const { client, store } = await serve();
    const told = new Told(client, { torrents: true });
    await told.is(['synced']);
    const held = Promise.withResolvers<void>();
    const fetch_ = store.get.bind(store);
    const get_ = vi.spyOn(store, 'get').mockImplementationOnce(async (name, version) => {
      await held.promise;
      return fetch_(name, version);
    });
    await publish(client, { name: 'brief' });
    await publish(client, { name: 'lasting' });
    await vi.waitFor(() => expect(get_).toHaveBeenCalledOnce(), PATIENCE);
    await remove(client, 'brief');
    held.resolve();
    await told.is(['synced', 'lasting@1', '-brief@1']);
  });

  it('misses nothing and invents nothing while everything moves', async () => {
    const { client, store, catalog } = await serve();
    for (let i = 0; i < 500; i++) await store.publish(draftOf({ name: `n${i}`, torrent: torrent(i) }));
    await catalog.whenReady();
    const watchers = Array.from({ length: 8 }, (_, i) => new Told(client, { torrents: i % 2 === 0 }));
    const random = new SeededRandom(5);
    for (let i = 0; i < 1500; i++) {
      const name = `n${random.below(700)}`;
      if (random.below(3) === 0) await store.remove(name);
      else await store.publish(draftOf({ name, torrent: torrent(1000 + random.below(9)) })).catch(() => {});
      if (i % 10 === 0) await new Promise(setImmediate);
    }
    const there = (await everything(store)).sort();
    for (const told of watchers) {
      await vi.waitFor(() => expect(told.words).toContain('synced'), PATIENCE);
      await vi.waitFor(() => expect(told.believed).toEqual(there), PATIENCE);
      expect(told.words.filter((word) => word === 'synced')).toHaveLength(1);
      const published = told.words.filter((word) => !word.startsWith('-'));
      expect(new Set(published).size).toBe(published.length);
    }
  });

  it('fetches no more torrents than a client reads', async () => {
    const { client, store, service } = await serve();
    for (let i = 0; i < 40; i++)
      await store.publish(draftOf({ name: `n${i}`, torrent: torrent(i, MEBIBYTE) }));
    const fetched = vi.spyOn(store, 'get');
    const call = stalled(client);
    await vi.waitFor(() => expect(fetched).toHaveBeenCalled(), PATIENCE);
    const plain = new Told(client);
    await vi.waitFor(() => expect(plain.words).toContain('synced'), PATIENCE);
    for (let i = 0; i < 200; i++) {
      await store.publish(draftOf({ name: `m${i}`, torrent: torrent(i) }));
      await store.remove(`m${i}`);
    }
    await vi.waitFor(() => expect(plain.words.at(-1)).toBe('-m199@1'), PATIENCE);
    expect(fetched.mock.calls.length).toBeLessThan(READ_AHEAD + 5);
    expect(service.figures).toEqual({ watchers: 2, queued: 0, slow: 0, reading: 0 });
    call.cancel();
    await vi.waitFor(() => expect(service.figures.watchers).toBe(1), PATIENCE);
  });

  it('ends a watcher that falls back, with no more waiting for it than it may', async () => {
    const { client, store, service } = await serve({ maxQueued: 100 });
    const told = new Told(client);
    const other = new Told(client);
    await told.is(['synced']);
    await other.is(['synced']);
    told.call.pause();
    let most = 0;
    for (let i = 0; i < 20_000 && service.figures.slow === 0; i++) {
      const labels = { long: 'x'.repeat(255) };
      await store.publish(draftOf({ name: 'a', torrent: torrent(i), labels }));
      await store.remove('a');
      most = Math.max(most, service.figures.queued);
      await vi.waitFor(() => expect(other.words).toHaveLength(2 * i + 3), { ...PATIENCE, interval: 0 });
    }
    expect(service.figures.slow).toBe(1);
    expect(most).toBeGreaterThan(50);
    expect(most).toBeLessThanOrEqual(102);
    told.call.resume();
    await vi.waitFor(() => expect(told.error?.code).toBe(status.ABORTED), PATIENCE);
    expect(other.error).toBeUndefined();
  });

  it('ends a watcher that stands still, and says that it may watch again', async () => {
    const { client, store, service } = await serve({ maxStall: 300 });
    for (let i = 0; i < READ_AHEAD + 5; i++)
      await store.publish(draftOf({ name: `n${i}`, torrent: torrent(i, MEBIBYTE) }));
    const behind = stalled(client);
    await vi.waitFor(() => expect(service.figures.watchers).toBe(1), PATIENCE);
    await vi.waitFor(
      () => expect(service.figures).toMatchObject({ watchers: 0, queued: 0, slow: 1 }),
      PATIENCE,
    );
    // When it reads on, it finds the reason behind what had been sent.
    const reason = new Promise<ServiceError>((resolve) =>
      behind.on('error', (e) => resolve(e as ServiceError)),
    );
    behind.resume();
    expect(await reason).toMatchObject({
      code: status.ABORTED,
      details: expect.stringContaining('watch again'),
    });
  });

  it('refuses more watchers than it may have, and lets them go when it is closed', async () => {
    const { client, service } = await serve({ maxWatchers: 1 });
    const first = new Told(client);
    await first.is(['synced']);
    const second = new Told(client);
    await vi.waitFor(() => expect(second.error?.code).toBe(status.RESOURCE_EXHAUSTED), PATIENCE);
    await service.close();
    await vi.waitFor(() => expect(first.error?.code).toBe(status.UNAVAILABLE), PATIENCE);
    const late = new Told(client);
    await vi.waitFor(() => expect(late.error?.code).toBe(status.UNAVAILABLE), PATIENCE);
    expect(service.figures.watchers).toBe(0);
  });

  it('goes on without torrents while the store is away, and ends with a clear status where they are asked for', async () => {
    const { client, store } = await serve();
    await publish(client, { name: 'a' });
    const plain = new Told(client);
    await plain.is(['a@1', 'synced']);
    const away = new CatalogError('unavailable', 'the store does not answer');
    const get_ = vi.spyOn(store, 'get').mockRejectedValue(away);
    const asking = new Told(client, { torrents: true });
    await vi.waitFor(() => expect(asking.error?.code).toBe(status.UNAVAILABLE), PATIENCE);
    const another = new Told(client);
    await another.is(['a@1', 'synced']);
    get_.mockRestore();
    await publish(client, { name: 'b' });
    await plain.is(['a@1', 'synced', 'b@1']);
  });

  it('waits a while for a catalogue that is not known yet, then says so', async () => {
    const store = memoryStore();
    await store.publish(draftOf({ name: 'a', torrent: torrent(1) }));
    const list_ = vi.spyOn(store, 'list').mockRejectedValue(new CatalogError('unavailable', 'away'));
    const { client } = await serve({ maxWait: 300 }, store);
    const early = new Told(client);
    await vi.waitFor(() => expect(early.error?.code).toBe(status.UNAVAILABLE), PATIENCE);
    const patient = new Told(client);
    list_.mockRestore();
    await patient.is(['a@1', 'synced']);
  });
});

it('tells what it holds, who watches, and who did not keep up', async () => {
  const { client, catalog, service } = await serve({ maxStall: 50 });
  const metrics = new Metrics('tracker');
  addCatalogMetrics(metrics, catalog, service);
  const figures = async () =>
    Object.fromEntries(
      [...(await metrics.read()).matchAll(/^pixtorrent_tracker_catalog_(\w+) (\d+)$/gm)].map(
        ([, name, value]) => [name, Number(value)],
      ),
    );
  await publish(client, { torrent: torrent(1, 4 * MEBIBYTE) });
  for (let content = 2; content < 30; content++)
    await publish(client, { torrent: torrent(content, MEBIBYTE) });
  const still = { stale: 0, incomplete: 0, queued_changes: 0, reading: 0, versions: 29 };
  expect(await figures()).toEqual({ ...still, watchers: 0, watchers_slow_total: 0 });
  const told = new Told(client);
  await vi.waitFor(() => expect(told.words.at(-1)).toBe('synced'), PATIENCE);
  expect(await figures()).toMatchObject({ watchers: 1, watchers_slow_total: 0 });
  stalled(client);
  await vi.waitFor(async () => expect(await figures()).toMatchObject({ watchers_slow_total: 1 }), PATIENCE);
  expect(await figures()).toMatchObject({ watchers: 1 });
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

/** A watcher that reads one torrent, then nothing. (A client that reads nothing from the start takes in everything.) */
function stalled(client: wire.CatalogServiceClient): ReturnType<wire.CatalogServiceClient['watch']> {
  const call = client.watch({ labels: {}, torrents: true, removals: false });
  call.once('data', () => call.pause());
  call.on('error', () => {});
  cleanups.push(() => call.cancel());
  return call;
}

async function everything(store: CatalogStore): Promise<string[]> {
  const found: string[] = [];
  for (let after: { name: string; version: number } | undefined; ; ) {
    const page = await store.list({ allVersions: true, limit: 1000, ...(after && { after }) });
    found.push(...page.map(({ name, version }) => `${name}@${version}`));
    if (page.length < 1000) return found;
    after = page.at(-1)!;
  }
}
