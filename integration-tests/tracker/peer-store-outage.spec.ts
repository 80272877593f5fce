import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { infoHash, SeededRandom, silentLogger } from '@pixtorrent/core';
import { connectRedis, systemClock, systemTimers } from '@pixtorrent/service-kit';
import { RedisPeerStore } from '@pixtorrent/tracker';
import { describe, expect, it, vi } from 'vitest';
import { announceOf, HASH, storedOf } from '../../libs/tracker/src/stores/peer-store.suite.ts';
import { type RedisClient, RedisServer } from '../support/redis-server.ts';
import { requirement } from '../support/requirement.ts';
import { type Scope, scoped } from '../support/scope.ts';

const WAIT = { timeout: 30_000, interval: 20 };

describe.runIf(requirement('redis'))('peers in a Redis that goes away', () => {
  it('are out of reach, in time; what Redis does late counts for when it was sent', () =>
    scoped(async (scope) => {
      const server = await RedisServer.create(scope);
      await server.start();
      const store = await storeOver(scope, server);
      await store.announce(announceOf({ peer: 1 }));
      server.signal('SIGSTOP');
      const calls = [
        store.announce(announceOf({ peer: 2 })),
        store.announce(announceOf({ peer: 1, role: 'seed' })),
        store.restore([storedOf({ peer: 3 }, 0)]),
        store.scrape([HASH]),
        store.figures([HASH]),
        store.swarms(undefined, 10),
        store.totals(),
        store.epoch(),
      ];
      const sent = performance.now();
      for (const result of await Promise.allSettled(calls))
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'store-unavailable' } });
      server.signal('SIGCONT');
      // All of them left soon after they had announced.
      const age = performance.now() - sent - 100;
      await vi.waitFor(
        () => store.restore([1, 2, 3].map((peer) => storedOf({ peer, role: 'gone' }, age))),
        WAIT,
      );
      await vi.waitFor(async () => {
        await store.announce(announceOf({ peer: 9 }));
        expect(await store.scrape([HASH])).toMatchObject([{ seeders: 0, leechers: 1 }]);
      }, WAIT);
    }));

  it('are told of again when it is back, to who watches', () =>
    scoped(async (scope) => {
      const server = await RedisServer.create(scope);
      await server.start();
      const [one, other] = [await storeOver(scope, server), await storeOver(scope, server)];
      const heard: number[] = [];
      one.watch(HASH, ({ address }) => heard.push(address[3]!));
      let peer = 0;
      const isTold = () =>
        vi.waitFor(async () => {
          await other.announce(announceOf({ peer: ++peer, numWant: 0 }));
          expect(heard).toContain(peer - 1);
        }, WAIT);
      await isTold();
      await server.kill();
      await server.start();
      await isTold();
      await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await isTold();
    }));

  it('are told of to who watches, from the announce that follows on', () =>
    scoped(async (scope) => {
      const server = await RedisServer.create(scope);
      await server.start();
      const port = await slowToSubscribe(scope, server.port);
      const one = storeOn(scope, clientAt(scope, port));
      const other = await storeOver(scope, server);
      one.watch(infoHash(new Uint8Array(20)), () => {});
      await vi.waitFor(
        async () => expect(await server.command('PUBSUB', 'SHARDCHANNELS')).toContain('pix:{'),
        WAIT,
      );
      const heard: number[] = [];
      one.watch(HASH, ({ address }) => heard.push(address[3]!));
      await one.announce(announceOf({ peer: 1, numWant: 0 }));
      await other.announce(announceOf({ peer: 2, numWant: 0 }));
      await vi.waitFor(() => expect(heard).toEqual([1, 2]), WAIT);
    }));

  it('are told of to who watches though they came and went while the connection for that was not there', () =>
    scoped(async (scope) => {
      const server = await RedisServer.create(scope);
      await server.start();
      const news = await newsHeldUp(scope, server.port);
      const one = storeOn(scope, clientAt(scope, news.port));
      const other = await storeOver(scope, server);
      await vi.waitFor(() => one.epoch(), WAIT);
      const heard: string[] = [];
      one.watch(HASH, ({ type, address, seed }) => heard.push(`${type} ${address[3]}${seed ? ' seed' : ''}`));
      await one.announce(announceOf({ peer: 1, numWant: 0 }));
      await other.announce(announceOf({ peer: 2, numWant: 0 }));
      await other.announce(announceOf({ peer: 2, numWant: 0, role: 'seed' }));
      await other.announce(announceOf({ peer: 3, numWant: 0 }));
      await other.announce(announceOf({ peer: 3, numWant: 0, role: 'gone' }));
      expect(heard).toEqual([]);
      news.letThrough();
      // Of two peers that came or went in the same millisecond, either may be told first.
      await vi.waitFor(() => expect(heard.toSorted()).toEqual(['joined 1', 'joined 2 seed', 'left 3']), WAIT);
      await other.announce(announceOf({ peer: 4, numWant: 0 }));
      await vi.waitFor(() => expect(heard.at(-1)).toBe('joined 4'), WAIT);

      await vi.waitFor(() => expect(news.cut()).toBe(1), WAIT);
      await other.announce(announceOf({ peer: 5, numWant: 0 }));
      await other.announce(announceOf({ peer: 1, numWant: 0, role: 'gone' }));
      expect(heard.at(-1)).toBe('joined 4');
      news.letThrough();
      await vi.waitFor(() => expect(heard.slice(-2).toSorted()).toEqual(['joined 5', 'left 1']), WAIT);
    }));

  it('leave no channel that nobody listens to', () =>
    scoped(async (scope) => {
      const server = await RedisServer.create(scope);
      await server.start();
      const store = await storeOver(scope, server);
      const ends = [1, 2].map(() => store.watch(HASH, () => {}));
      const channels = () => server.command('PUBSUB', 'SHARDCHANNELS');
      await vi.waitFor(async () => expect(await channels()).toContain('pix:{'), WAIT);
      ends[0]!();
      ends[0]!();
      await store.announce(announceOf({ peer: 1 }));
      expect(await channels()).toContain('pix:{');
      ends[1]!();
      await vi.waitFor(async () => expect((await channels()).trim()).toBe(''), WAIT);
    }));
});

async function storeOver(scope: Scope, server: RedisServer): Promise<RedisPeerStore> {
  return storeOn(scope, await server.connected());
}

function storeOn(scope: Scope, client: RedisClient): RedisPeerStore {
  const dependencies = { client, clock: systemClock, timers: systemTimers, logger: silentLogger };
  const store = new RedisPeerStore({ ...dependencies, random: new SeededRandom(5) }, { timeToLive: 60_000 });
  scope.defer(() => store.close());
  return store;
}

function clientAt(scope: Scope, port: number): RedisClient {
  const deployment = { type: 'single', host: '127.0.0.1', port } as const;
  const times = { commandTimeout: 60_000, connectTimeout: 60_000 };
  const client = connectRedis({ deployment, db: 0, ...times }, silentLogger);
  scope.defer(() => client.disconnect());
  return client;
}

/** A way to Redis on which connections after the first are held up until they are let through, and can be cut. */
async function newsHeldUp(scope: Scope, port: number) {
  let held: (() => void)[] | undefined = [];
  let first = true;
  const others = new Set<Socket>();
  const proxy = createServer((socket) => {
    const pass = () => {
      const onward = connect(port, '127.0.0.1');
      scope.defer(() => onward.destroy());
      onward.on('error', () => {});
      onward.on('close', () => socket.destroy());
      socket.on('close', () => onward.destroy());
      onward.pipe(socket).pipe(onward);
    };
    socket.on('error', () => {});
    scope.defer(() => socket.destroy());
    if (!first) {
      others.add(socket);
      socket.on('close', () => others.delete(socket));
    }
    if (first || held === undefined) pass();
    else held.push(pass);
    first = false;
  });
  scope.defer(() => proxy.close());
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (proxy.address() as AddressInfo).port,
    letThrough() {
      for (const pass of held ?? []) pass();
      held = undefined;
    },
    /** Ends those that were let through, and holds up the next ones. @returns how many there were */
    cut() {
      held ??= [];
      const { size } = others;
      for (const socket of others) socket.destroy();
      return size;
    },
  };
}

/** A way to Redis on which what asks for a channel takes long. @returns its port */
async function slowToSubscribe(scope: Scope, port: number): Promise<number> {
  const proxy = createServer((socket) => {
    const onward = connect(port, '127.0.0.1');
    scope.defer(() => onward.destroy());
    scope.defer(() => socket.destroy());
    onward.pipe(socket);
    let before = Promise.resolve();
    socket.on('data', (data: Buffer) => {
      if (data.includes('ssubscribe')) before = before.then(() => pause(500));
      before = before.then(() => void onward.write(data));
    });
    for (const end of [socket, onward]) end.on('error', () => {});
  });
  scope.defer(() => proxy.close());
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  return (proxy.address() as AddressInfo).port;
}
