import { type ServiceError, status } from '@grpc/grpc-js';
import { CatalogError, type CatalogStore, draftOf } from '@pixtorrent/catalog';
import type { catalog as wire } from '@pixtorrent/contracts';
import { SeededRandom } from '@pixtorrent/core';
import { Metrics } from '@pixtorrent/service-kit';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { addCatalogMetrics } from './catalog-metrics.ts';
import {
  MEBIBYTE,
  memoryStore,
  PATIENCE,
  publish,
  remove,
  serve,
  Told,
  torrent,
} from './fixtures/served-catalog.ts';

/** Messages that a client of grpc-js takes in before it is asked for them. */
const READ_AHEAD = 16;

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

/** A watcher that reads one torrent, then nothing. (A client that reads nothing from the start takes in everything.) */
function stalled(client: wire.CatalogServiceClient): ReturnType<wire.CatalogServiceClient['watch']> {
  const call = client.watch({ labels: {}, torrents: true, removals: false });
  call.once('data', () => call.pause());
  call.on('error', () => {});
  onTestFinished(() => call.cancel());
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
