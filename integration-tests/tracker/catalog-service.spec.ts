import { credentials, type ServiceError, status } from '@grpc/grpc-js';
import { CachedCatalog, RedisCatalogStore } from '@pixtorrent/catalog';
import { descriptors, catalog as wire } from '@pixtorrent/contracts';
import { SeededRandom, silentLogger } from '@pixtorrent/core';
import { GrpcServer, systemTimers } from '@pixtorrent/service-kit';
import { catalogService } from '@pixtorrent/tracker-service';
import { describe, expect, it, vi } from 'vitest';
import { RedisServer } from '../support/redis-server.ts';
import { requirement } from '../support/requirement.ts';
import { type Scope, scoped } from '../support/scope.ts';
import { smallTorrent } from './catalog-torrents.ts';

const PATIENCE = { timeout: 30_000, interval: 10 };

/** A service over Redis with everything of its own, and a client of it. */
async function replica(scope: Scope, redis: RedisServer): Promise<wire.CatalogServiceClient> {
  const dependencies = { timers: systemTimers, logger: silentLogger };
  const store = new RedisCatalogStore(
    { client: redis.client(scope), ...dependencies },
    { checkInterval: 200 },
  );
  const random = new SeededRandom(1);
  const catalog = new CachedCatalog({ store, random, ...dependencies }, { longestPause: 500 });
  const service = catalogService({ store, catalog, ...dependencies });
  const server = await GrpcServer.listen({ host: '127.0.0.1', port: 0, services: [service], descriptors });
  const client = new wire.CatalogServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 32 * 2 ** 20,
  });
  scope.defer(() => store.close());
  scope.defer(() => catalog.close());
  scope.defer(() => server.drain(100));
  scope.defer(() => service.close());
  scope.defer(() => client.close());
  return client;
}

function publish(client: wire.CatalogServiceClient, name: string, content = 1): Promise<string> {
  const request = {
    name,
    torrent: smallTorrent({ content }),
    replicas: undefined,
    labels: {},
    afterVersion: 0,
  };
  return new Promise((resolve, reject) => {
    client.publish(request, (error, { entry } = { entry: undefined }) =>
      error ? reject(error) : resolve(`${entry!.name}@${entry!.version}`),
    );
  });
}

function restore(client: wire.CatalogServiceClient, request: wire.RestoreRequest): Promise<string[]> {
  return new Promise((resolve, reject) => {
    client.restore(request, (error, { refused } = { refused: [] }) =>
      error ? reject(error) : resolve(refused.map(({ name, version }) => `${name}@${version}`)),
    );
  });
}

function remove(client: wire.CatalogServiceClient, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    client.remove({ name, version: 0 }, (error, response) =>
      error ? reject(error) : resolve(response.removed),
    );
  });
}

/** What a watcher is told, in words; and why it was ended. */
function watch(scope: Scope, client: wire.CatalogServiceClient, torrents = false) {
  const told: { words: string[]; error?: ServiceError } = { words: [] };
  const call = client.watch({ labels: {}, torrents, removals: false });
  call.on('data', ({ event }: wire.WatchResponse) => {
    if (event?.$case === 'published') told.words.push(`${event.published.name}@${event.published.version}`);
    else if (event?.$case === 'removed') told.words.push(`-${event.removed.name}@${event.removed.version}`);
    else if (event?.$case === 'lost') told.words.push(`?${event.lost.name}@${event.lost.version}`);
    else told.words.push('synced');
  });
  call.on('error', (error) => {
    told.error = error as ServiceError;
  });
  scope.defer(() => call.cancel());
  return told;
}

describe.runIf(requirement('redis'))('the catalogue of two trackers over one Redis', () => {
  it('is told by either, in the order in which it changed through both', () =>
    scoped(async (scope) => {
      const redis = await RedisServer.create(scope);
      await redis.start();
      const clients = [await replica(scope, redis), await replica(scope, redis)];
      await vi.waitFor(() => publish(clients[0]!, 'first'), PATIENCE);
      const watchers = clients.map((client) => watch(scope, client));
      const withTorrents = watch(scope, clients[0]!, true);
      for (const { words } of [...watchers, withTorrents])
        await vi.waitFor(() => expect(words).toEqual(['first@1', 'synced']), PATIENCE);
      const expected = ['first@1', 'synced'];
      for (let i = 0; i < 100; i++) {
        const [one, other] = i % 2 === 0 ? clients : [...clients].reverse();
        expected.push(await publish(one!, `n${i % 7}`, i + 1));
        if (i % 10 !== 9) continue;
        const removed = expected.filter((word) => word.startsWith(`n${i % 7}@`)).length;
        expect(removed).toBeGreaterThan(0);
        const before = new Set(expected.filter((word) => word.startsWith('-')));
        await remove(other!, `n${i % 7}`);
        for (const word of expected.filter((one) => one.startsWith(`n${i % 7}@`)))
          if (!before.has(`-${word}`)) expected.push(`-${word}`);
      }
      for (const { words } of watchers) await vi.waitFor(() => expect(words).toEqual(expected), PATIENCE);
      // A torrent that was removed before it was fetched is not told; all else is, in the same order.
      const { words } = withTorrents;
      await vi.waitFor(() => expect(words.at(-1)).toBe(expected.at(-1)), PATIENCE);
      const missing = expected.filter((word) => !words.includes(word));
      expect(words).toEqual(expected.filter((word) => !missing.includes(word)));
      expect(missing.filter((word) => !expected.includes(`-${word}`))).toEqual([]);
    }));

  it('misses nothing of what happened while the feed was cut, and nothing twice', () =>
    scoped(async (scope) => {
      const redis = await RedisServer.create(scope);
      await redis.start();
      const clients = [await replica(scope, redis), await replica(scope, redis)];
      await vi.waitFor(() => publish(clients[0]!, 'a'), PATIENCE);
      await publish(clients[0]!, 'b');
      const told = watch(scope, clients[1]!);
      await vi.waitFor(() => expect(told.words).toContain('synced'), PATIENCE);
      await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await remove(clients[0]!, 'a');
      await publish(clients[0]!, 'c');
      await vi.waitFor(() => expect(told.words.slice(3).sort()).toEqual(['-a@1', 'c@1']), PATIENCE);
      await publish(clients[0]!, 'd');
      await vi.waitFor(() => expect(told.words.slice(5)).toEqual(['d@1']), PATIENCE);
    }));

  it('is watched on while Redis is away, cannot be changed then, and is what Redis says when it is back', () =>
    scoped(async (scope) => {
      const redis = await RedisServer.create(scope);
      await redis.start();
      const client = await replica(scope, redis);
      await vi.waitFor(() => publish(client, 'a'), PATIENCE);
      const told = watch(scope, client);
      await vi.waitFor(() => expect(told.words).toEqual(['a@1', 'synced']), PATIENCE);
      await redis.kill();
      await expect(publish(client, 'b')).rejects.toMatchObject({ code: status.UNAVAILABLE });
      const late = watch(scope, client);
      await vi.waitFor(() => expect(late.words).toEqual(['a@1', 'synced']), PATIENCE);
      const asking = watch(scope, client, true);
      await vi.waitFor(() => expect(asking.error?.code).toBe(status.UNAVAILABLE), PATIENCE);
      await redis.start();
      await vi.waitFor(() => publish(client, 'b'), PATIENCE);
      for (const { words } of [told, late]) {
        await vi.waitFor(() => expect(words.slice(2).sort()).toEqual(['?a@1', 'b@1']), PATIENCE);
      }
      expect([told.error, late.error]).toEqual([undefined, undefined]);
    }));

  it('is rebuilt by those who watched it where Redis has lost everything', () =>
    scoped(async (scope) => {
      const redis = await RedisServer.create(scope);
      await redis.start();
      const clients = [await replica(scope, redis), await replica(scope, redis)];
      const kept: wire.Entry[] = [];
      const removed: wire.Removed[] = [];
      const call = clients[0]!.watch({ labels: {}, torrents: true, removals: true });
      call.on('error', () => {});
      call.on('data', ({ event }: wire.WatchResponse) => {
        if (event?.$case === 'published') kept.push(event.published);
        if (event?.$case === 'removed') removed.push(event.removed);
      });
      scope.defer(() => call.cancel());
      await vi.waitFor(() => publish(clients[0]!, 'a', 1), PATIENCE);
      await publish(clients[1]!, 'a', 2);
      await publish(clients[0]!, 'b', 3);
      await vi.waitFor(() => expect(kept).toHaveLength(3), PATIENCE);
      await remove(clients[1]!, 'b');
      await vi.waitFor(() => expect(removed).toHaveLength(1), PATIENCE);
      const told = watch(scope, clients[1]!);
      await vi.waitFor(() => expect(told.words).toEqual(['a@1', 'a@2', 'synced']), PATIENCE);

      await redis.command('FLUSHALL');
      await vi.waitFor(() => expect(told.words.slice(3).sort()).toEqual(['?a@1', '?a@2']), PATIENCE);
      const entries = [...kept].reverse();
      expect(await restore(clients[1]!, { entries, removed })).toEqual(['b@1']);
      expect(await restore(clients[0]!, { entries, removed: [] })).toEqual(['b@1']);
      await vi.waitFor(() => expect(told.words.slice(5).sort()).toEqual(['a@1', 'a@2']), PATIENCE);
      expect(await publish(clients[0]!, 'a', 3)).toBe('a@3');
      expect(await publish(clients[0]!, 'b', 3)).toBe('b@2');
    }));

  it('can be had from a service that came up before Redis', () =>
    scoped(async (scope) => {
      const redis = await RedisServer.create(scope);
      const client = await replica(scope, redis);
      await expect(publish(client, 'a')).rejects.toMatchObject({ code: status.UNAVAILABLE });
      const patient = watch(scope, client);
      await redis.start();
      await vi.waitFor(() => expect(patient.words).toEqual(['synced']), PATIENCE);
      await vi.waitFor(() => publish(client, 'a'), PATIENCE);
      await vi.waitFor(() => expect(patient.words).toEqual(['synced', 'a@1']), PATIENCE);
    }));
});
