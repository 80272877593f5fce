import {
  CachedCatalog,
  type CatalogChange,
  type CatalogDraft,
  draftOf,
  MAX_TORRENT_LENGTH,
  RedisCatalogStore,
  type RedisCatalogStoreOptions,
} from '@pixtorrent/catalog';
import { type InfoHash, SeededRandom, silentLogger } from '@pixtorrent/core';
import { systemTimers } from '@pixtorrent/service-kit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { catalogStoreSuite } from '../../libs/catalog/src/catalog-store.suite.ts';
import { Process } from '../support/processes.ts';
import { type RedisClient, RedisServer } from '../support/redis-server.ts';
import { requirement } from '../support/requirement.ts';
import { Scope, scoped } from '../support/scope.ts';
import { smallTorrent } from './catalog-torrents.ts';

const CHECK_INTERVAL = 100;
const PATIENCE = { timeout: 30_000, interval: 20 };

describe.runIf(requirement('redis')).each(['single', 'cluster'] as const)('over Redis, %s', (kind) => {
  const scope = new Scope();
  let server: RedisServer;
  let clients: RedisClient[];

  beforeAll(async () => {
    server = await RedisServer.create(scope, kind);
    await server.start();
    clients = [await server.connected(), await server.connected()];
  });
  afterAll(() => scope.close());

  catalogStoreSuite(
    'RedisCatalogStore',
    async (limits) => {
      await clients[0]!.flushall();
      const [one, other] = clients.map((client) => storeOver(client, limits));
      return [one!, other!];
    },
    { numRuns: 100 },
  );

  it('keeps the torrents apart, and leaves nothing of what was removed but its name and number', async () => {
    const [client] = clients as [RedisClient];
    await client.flushall();
    const store = storeOver(client);
    for (let i = 1; i <= 3; i++) await store.publish(draft({ name: 'a', content: i }));
    const keys = await client.keys('*');
    expect(keys.filter((key) => !key.startsWith('{pix:catalog}:'))).toEqual([]);
    expect(keys.filter((key) => key.startsWith('{pix:catalog}:torrent:'))).toHaveLength(3);
    await store.remove('a', 3);
    await store.remove('a');
    const left = ['changes', 'numbers', 'removals', 'removed', 'retired', 'totals'].map(
      (key) => `{pix:catalog}:${key}`,
    );
    expect((await client.keys('*')).sort()).toEqual(left);
    expect(await client.hget('{pix:catalog}:totals', 'bytes')).toBe('0');
    await store.close();
  });

  it('lists without reading a torrent, and without a walk over keys', async () => {
    const [client] = clients as [RedisClient];
    await client.flushall();
    const store = storeOver(client);
    for (let i = 1; i <= 20; i++) await store.publish(draft({ name: `n${i}`, content: i }));
    await client.config('RESETSTAT');
    expect(await store.list({ limit: 20 })).toHaveLength(20);
    expect(await store.list({ limit: 20, allVersions: true, labels: { none: 'x' } })).toEqual([]);
    const stats = await client.info('commandstats');
    const commands = [...stats.matchAll(/cmdstat_([a-z|]+):/g)].map(([, command]) => command!);
    const scripted = ['evalsha', 'hmget', 'zrangebylex'];
    expect(
      commands.filter((one) => !['config|resetstat', 'cluster|slots', 'info'].includes(one)).sort(),
    ).toEqual(scripted);
    await store.close();
  });

  it('goes on when Redis has forgotten the scripts', async () => {
    const store = storeOver(clients[0]!);
    await clients[0]!.script('FLUSH');
    const { version } = await store.publish(draft({ name: 'scripted' }));
    expect((await store.get('scripted'))!.entry.version).toBe(version);
    await store.close();
  });

  it('tells that changes were missed: by a gap, by a count that moved, by a database that was emptied', async () => {
    const [client] = clients as [RedisClient];
    const store = storeOver(client);
    const heard: CatalogChange['type'][] = [];
    store.watch((change) => heard.push(change.type));
    await vi.waitFor(() => expect(heard).toContain('lost'), PATIENCE);
    const publish = async (content: number) => {
      heard.length = 0;
      await store.publish(draft({ name: 'gap', content }));
    };
    await publish(1);
    await vi.waitFor(() => expect(heard).toEqual(['published']), PATIENCE);
    await client.incr('{pix:catalog}:changes');
    await publish(2);
    await vi.waitFor(() => expect(heard).toEqual(['lost']), PATIENCE);
    await publish(3);
    await vi.waitFor(() => expect(heard).toEqual(['published']), PATIENCE);
    heard.length = 0;
    await client.incr('{pix:catalog}:changes');
    await vi.waitFor(() => expect(heard).toEqual(['lost']), PATIENCE);
    await publish(4);
    await vi.waitFor(() => expect(heard.at(-1)).toBe('published'), PATIENCE);
    heard.length = 0;
    await client.flushall();
    await vi.waitFor(() => expect(heard).toEqual(['lost']), PATIENCE);
    await publish(5);
    await vi.waitFor(() => expect(heard).toEqual(['published']), PATIENCE);
    await store.close();
  });

  it('survives what others say on its channel', async () => {
    const [client] = clients as [RedisClient];
    const store = storeOver(client);
    const heard: CatalogChange['type'][] = [];
    store.watch((change) => heard.push(change.type));
    await vi.waitFor(() => expect(heard).toContain('lost'), PATIENCE);
    for (const noise of ['', 'x', '+1', '+1\n', `+${await client.get('{pix:catalog}:changes')}\nno\n{}`])
      await client.spublish('{pix:catalog}:feed:0', noise);
    await store.publish(draft({ name: 'noisy', content: 9 }));
    await store.publish(draft({ name: 'noisy', content: 10 }));
    await vi.waitFor(() => expect(heard.at(-1)).toBe('published'), PATIENCE);
    await store.close();
  });

  it('tells a cached copy what happened while the feed was cut', async () => {
    await clients[0]!.flushall();
    const [reader, writer] = clients.map((client) => storeOver(client));
    const copy = copyOf(reader!);
    await copy.whenReady();
    const kept = await writer!.publish(draft({ name: 'kept', content: 1 }));
    const gone = await writer!.publish(draft({ name: 'gone', content: 2 }));
    await vi.waitFor(() => expect(copy.has(gone.infoHash)).toEqual({ private: false }), PATIENCE);
    await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await writer!.remove('gone');
    const added = await writer!.publish(draft({ name: 'added', content: 3, private: true }));
    await vi.waitFor(() => {
      expect(copy.has(added.infoHash)).toEqual({ private: true });
      expect(copy.has(gone.infoHash)).toBeUndefined();
    }, PATIENCE);
    expect(copy.has(kept.infoHash)).toEqual({ private: false });
    expect(copy.size).toBe(2);
    copy.close();
    for (const store of [reader!, writer!]) await store.close();
  });
});

describe.runIf(requirement('redis'))('a catalogue in Redis', () => {
  it('gives publishers in two processes numbers of their own', () =>
    scoped(async (scope) => {
      const server = await RedisServer.create(scope);
      await server.start();
      const script = new URL('catalog-publisher.ts', import.meta.url).pathname;
      const publishers = await Promise.all(
        [1, 2].map((who) =>
          Process.start(scope, `publisher ${who}`, [
            process.execPath,
            '--conditions=@pixtorrent/source',
            script,
            ...[server.port, who, 500].map(String),
          ]),
        ),
      );
      const lines = await Promise.all(
        publishers.map((one) => one.line('versions', (line) => line.startsWith('['), 60)),
      );
      const versions = lines.flatMap((line) => JSON.parse(line) as number[]);
      expect(versions.sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
    }));

  it('takes a torrent of 16 MiB and gives it back', () =>
    scoped(async (scope) => {
      const server = await RedisServer.create(scope);
      await server.start();
      const store = storeOver(await server.connected(scope, 60_000));
      scope.defer(() => store.close());
      const shape = { content: 1, pieces: Math.floor((MAX_TORRENT_LENGTH - 200) / 20) };
      const torrent = smallTorrent(shape);
      await store.publish(draftOf({ name: 'largest', torrent }));
      expect(Buffer.compare((await store.get('largest'))!.torrent, torrent)).toBe(0);
    }));

  it('is unavailable, in time, where Redis is killed or hangs, and is there again with it', () =>
    scoped(async (scope) => {
      const server = await RedisServer.create(scope);
      await server.start();
      const store = storeOver(await server.connected());
      const copy = copyOf(store);
      scope.defer(() => store.close());
      scope.defer(() => copy.close());
      const known = await store.publish(draft({ content: 1 }));
      await vi.waitFor(() => expect(copy.has(known.infoHash)).toEqual({ private: false }), PATIENCE);
      const unavailable = async () => {
        const calls = [store.publish(draft()), store.get('a'), store.list({ limit: 1 }), store.remove('a')];
        for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'unavailable' });
        expect(copy.has(known.infoHash)).toEqual({ private: false });
        expect(copy.ready).toBe(true);
      };
      server.signal('SIGSTOP');
      await unavailable();
      server.signal('SIGCONT');
      await vi.waitFor(() => store.list({ limit: 1 }), PATIENCE);
      // Whether what hung was done, only a look tells; what was removed is no longer known.
      await store.remove('a');
      await vi.waitFor(() => expect(copy.size).toBe(0), PATIENCE);
      await vi.waitFor(() => store.publish(draft({ content: 1 })), PATIENCE);
      await vi.waitFor(() => expect(copy.has(known.infoHash)).toBeDefined(), PATIENCE);

      await server.kill();
      await unavailable();
      await server.start();
      const next = await vi.waitFor(() => store.publish(draft({ name: 'b', content: 2 })), {
        ...PATIENCE,
      });
      await vi.waitFor(() => {
        expect(copy.has(next.infoHash)).toEqual({ private: false });
        // It keeps nothing on the disk: what was there is gone.
        expect(copy.has(known.infoHash)).toBeUndefined();
      }, PATIENCE);
    }));

  it('can be copied by one who starts before Redis does', () =>
    scoped(async (scope) => {
      const server = await RedisServer.create(scope);
      const store = storeOver(server.client(scope));
      const copy = copyOf(store);
      scope.defer(() => store.close());
      scope.defer(() => copy.close());
      const hash = new Uint8Array(20) as InfoHash;
      await vi.waitFor(() => expect(copy.stale).toBe(true), PATIENCE);
      expect([copy.ready, copy.has(hash)]).toEqual([false, undefined]);
      await server.start();
      await copy.whenReady();
      expect([copy.ready, copy.stale, copy.size]).toEqual([true, false, 0]);
      const entry = await vi.waitFor(() => store.publish(draft()), PATIENCE);
      await vi.waitFor(() => expect(copy.has(entry.infoHash)).toEqual({ private: false }), PATIENCE);
    }));
});

function storeOver(client: RedisClient, options: RedisCatalogStoreOptions = {}): RedisCatalogStore {
  const dependencies = { client, timers: systemTimers, logger: silentLogger };
  return new RedisCatalogStore(dependencies, { checkInterval: CHECK_INTERVAL, ...options });
}

function copyOf(store: RedisCatalogStore): CachedCatalog {
  const dependencies = { store, timers: systemTimers, random: new SeededRandom(1), logger: silentLogger };
  return new CachedCatalog(dependencies, { longestPause: 500 });
}

interface Shape {
  readonly name?: string;
  readonly content?: number;
  readonly private?: boolean;
}

function draft({ name = 'a', content = 1, private: isPrivate = false }: Shape = {}): CatalogDraft {
  return draftOf({ name, torrent: smallTorrent({ content, private: isPrivate }) });
}
