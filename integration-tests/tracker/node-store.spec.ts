import { type ClusterNode, RedisNodeStore, type RedisNodeStoreOptions, Roster } from '@pixtorrent/cluster';
import { SeededRandom, silentLogger } from '@pixtorrent/core';
import { systemTimers } from '@pixtorrent/service-kit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { nodeOf, nodeStoreSuite } from '../../libs/cluster/src/node-store.suite.ts';
import { type RedisClient, RedisServer } from '../support/redis-server.ts';
import { requirement } from '../support/requirement.ts';
import { Scope, scoped } from '../support/scope.ts';

const PATIENCE = { timeout: 30_000, interval: 10 };
const SWEEP_INTERVAL = 100;

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

  nodeStoreSuite('RedisNodeStore', async (limits) => {
    await clients[0]!.flushall();
    const [one, other] = clients.map((client) => storeOver(client, limits));
    return [one!, other!];
  });

  it('leaves nothing of a node that is gone, and goes on when Redis has forgotten the scripts', async () => {
    const [client] = clients as [RedisClient];
    await client.flushall();
    const store = storeOver(client);
    await put(store, 'a');
    await client.script('FLUSH');
    await put(store, 'b');
    await store.remove('a', 'x');
    await store.remove('b', 'x');
    expect(await client.keys('*')).toEqual(['{pix:cluster}:totals']);
    expect(await client.hget('{pix:cluster}:totals', 'holdings')).toBe('0');
    await store.close();
  });
});

describe.runIf(requirement('redis'))('the nodes of two trackers over one Redis', () => {
  it('are not gone because Redis stood still, or was out of reach, for longer than they are good for', () =>
    scoped(async (scope) => {
      const server = await RedisServer.create(scope);
      await server.start();
      const client = await server.connected();
      const store = storeOver(client, { longestPause: 500 });
      scope.defer(() => store.close());
      const gone: string[] = [];
      store.watch((change) => {
        if (change.type === 'gone') gone.push(change.name);
      });
      await put(store, 'kept', 1500);
      server.signal('SIGSTOP');
      const resumed = new Promise((resolve) => setTimeout(resolve, 2500));
      await expect(store.list()).rejects.toMatchObject({ code: 'unavailable' });
      await resumed;
      server.signal('SIGCONT');
      const back = await vi.waitFor(() => store.list(), PATIENCE);
      expect([back.map(({ name }) => name), gone]).toEqual([['kept'], []]);
      await vi.waitFor(() => expect(gone).toEqual(['kept']), PATIENCE);
    }));

  it('stay as they were while Redis is away, and are all there when it comes back empty', () =>
    scoped(async (scope) => {
      const server = await RedisServer.create(scope);
      await server.start();
      const rosters = [await rosterOver(scope, server), await rosterOver(scope, server)];
      const [one, other] = rosters as [Roster, Roster];
      const names = (roster: Roster) => [...roster.nodes()].map(({ name }) => name).sort();
      const changes: string[] = [];
      await one.put(nodeOf({ name: 'a' }), { holder: 'a', takesOver: true });
      await other.put(nodeOf({ name: 'b' }), { holder: 'b', takesOver: true });
      await vi.waitFor(
        () =>
          expect([names(one), names(other)]).toEqual([
            ['a', 'b'],
            ['a', 'b'],
          ]),
        PATIENCE,
      );
      for (const roster of rosters)
        roster.follow((change) =>
          changes.push(change.type === 'gone' ? `-${change.name}` : change.node.name),
        );

      await server.kill();
      await vi.waitFor(() => expect([one.stale, other.stale]).toEqual([true, true]), PATIENCE);
      expect(await one.put(nodeOf({ name: 'a' }), { holder: 'a', takesOver: false })).toBe(false);
      expect(await one.put(nodeOf({ name: 'c' }), { holder: 'c', takesOver: true })).toBe(false);
      expect([names(one), names(other)]).toEqual([
        ['a', 'b', 'c'],
        ['a', 'b'],
      ]);

      await server.start();
      await vi.waitFor(() => expect([one.stale, other.stale]).toEqual([false, false]), PATIENCE);
      expect(await one.put(nodeOf({ name: 'a' }), { holder: 'a', takesOver: false })).toBe(true);
      expect(await one.put(nodeOf({ name: 'c' }), { holder: 'c', takesOver: true })).toBe(true);
      expect(await other.put(nodeOf({ name: 'b' }), { holder: 'b', takesOver: false })).toBe(true);
      await vi.waitFor(() => expect(names(other)).toEqual(['a', 'b', 'c']), PATIENCE);
      expect(changes.sort()).toEqual(['c', 'c']);
    }));

  it('are gone for everybody in a moment when the one who spoke for them says so', () =>
    scoped(async (scope) => {
      const server = await RedisServer.create(scope);
      await server.start();
      const [one, other] = [await rosterOver(scope, server), await rosterOver(scope, server)];
      await one.put(nodeOf({ name: 'a' }), { holder: 'first', takesOver: true });
      await vi.waitFor(() => expect(other.get('a')).toBeDefined(), PATIENCE);
      await other.put(nodeOf({ name: 'a', diskUsed: 1 }), { holder: 'second', takesOver: true });
      await expect(
        one.put(nodeOf({ name: 'a' }), { holder: 'first', takesOver: false }),
      ).rejects.toMatchObject({ code: 'replaced' });
      await one.remove('a', 'first');
      await vi.waitFor(() => expect(one.get('a')?.diskUsed).toBe(1), PATIENCE);
      await other.remove('a', 'second');
      await vi.waitFor(() => expect([one.size, other.size]).toEqual([0, 0]), PATIENCE);
    }));
});

function put(store: RedisNodeStore, name: string, goodFor = 60_000): Promise<void> {
  const node: ClusterNode = nodeOf({ name });
  return store.put(node, { holder: 'x', goodFor, takesOver: true });
}

function storeOver(client: RedisClient, options: RedisNodeStoreOptions = {}): RedisNodeStore {
  const dependencies = { client, timers: systemTimers, logger: silentLogger };
  return new RedisNodeStore(dependencies, { sweepInterval: SWEEP_INTERVAL, ...options });
}

async function rosterOver(scope: Scope, server: RedisServer): Promise<Roster> {
  const store = storeOver(await server.connected(scope));
  const dependencies = { store, timers: systemTimers, random: new SeededRandom(1), logger: silentLogger };
  const roster = new Roster(dependencies, { longestPause: 500 });
  scope.defer(() => store.close());
  scope.defer(() => roster.close());
  await roster.whenReady();
  return roster;
}
