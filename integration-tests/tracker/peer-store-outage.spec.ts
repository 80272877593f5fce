import { SeededRandom, silentLogger } from '@pixtorrent/core';
import { systemClock, systemTimers } from '@pixtorrent/service-kit';
import { RedisPeerStore } from '@pixtorrent/tracker';
import { describe, expect, it, vi } from 'vitest';
import { announceOf, HASH, storedOf } from '../../libs/tracker/src/stores/peer-store.suite.ts';
import { RedisServer } from '../support/redis-server.ts';
import { requirement } from '../support/requirement.ts';
import { type Scope, scoped } from '../support/scope.ts';

const WAIT = { timeout: 10_000, interval: 20 };

describe.runIf(requirement('redis'))('peers in a Redis that goes away', () => {
  it('are out of reach, in time; what Redis does late counts for when it was sent', () =>
    scoped(async (scope) => {
      const server = await RedisServer.create(scope);
      await server.start();
      const store = await storeOver(scope, server);
      await store.announce(announceOf({ peer: 1 }));
      server.signal('SIGSTOP');
      const started = performance.now();
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
      for (const result of await Promise.allSettled(calls))
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'store-unavailable' } });
      expect(performance.now() - started).toBeLessThan(2000);
      server.signal('SIGCONT');
      // All of them left soon after they had announced.
      const age = performance.now() - started - 100;
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
  const client = await server.connected();
  const dependencies = { client, clock: systemClock, timers: systemTimers, logger: silentLogger };
  const store = new RedisPeerStore({ ...dependencies, random: new SeededRandom(5) }, { timeToLive: 60_000 });
  scope.defer(() => store.close());
  return store;
}
