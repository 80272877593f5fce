import { type Clock, SeededRandom, silentLogger, toHex } from '@pixtorrent/core';
import { systemClock, systemTimers } from '@pixtorrent/service-kit';
import { RedisPeerStore } from '@pixtorrent/tracker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  announceOf,
  HASH,
  type PeerStoreUnderTest,
  peerStoreSuite,
  storedOf,
} from '../../libs/tracker/src/stores/peer-store.suite.ts';
import { type RedisClient, RedisServer } from '../support/redis-server.ts';
import { requirement } from '../support/requirement.ts';
import { Scope } from '../support/scope.ts';
import { readSwarm } from './stored-swarm.ts';

const START = 1_700_000_000_000;
/** Milliseconds after which a store has looked after its swarms by itself. */
const SWEPT = 1000;

describe.runIf(requirement('redis')).each(['single', 'cluster'] as const)('over Redis, %s', (kind) => {
  const scope = new Scope();
  let client: RedisClient;

  beforeAll(async () => {
    const server = await RedisServer.create(scope, kind);
    await server.start();
    client = await server.connected();
  });
  afterAll(() => scope.close());

  peerStoreSuite('RedisPeerStore', {
    async make({ timeToLive }): Promise<PeerStoreUnderTest> {
      await client.flushall();
      let time = START;
      const clock = { now: () => time };
      const store = storeOver(client, timeToLive, clock);
      return {
        store,
        now: clock.now,
        async advance(milliseconds) {
          time += milliseconds;
          if (milliseconds >= SWEPT) await store.sweep();
        },
      };
    },
    runs: kind === 'single' ? 100 : 20,
    recallsDepartures: true,
  });

  it('drops ten thousand whose time has run out together before it answers, and forgets the swarm after the last', async () => {
    await client.flushall();
    const clock = { time: START, now: () => clock.time };
    const store = storeOver(client, 1000, clock);
    const storedPeers = Array.from({ length: 10_000 }, (_, peer) => storedOf({ peer }, 0));
    for (let at = 0; at < storedPeers.length; at += 1000)
      await store.restore(storedPeers.slice(at, at + 1000));
    expect((await store.scrape([HASH]))[0]?.leechers).toBe(10_000);
    clock.time += 1000;
    expect(await store.announce(announceOf({ peer: 1 }))).toMatchObject({ leechers: 1, seeders: 0 });
    clock.time += 1000;
    await store.sweep();
    expect(await client.keys('*')).toEqual([]);
    await store.close();
  });

  it('walks over no keys, whatever it is asked', async () => {
    await client.flushall();
    const store = storeOver(client, 60_000);
    await client.config('RESETSTAT');
    for (let peer = 0; peer < 100; peer++) await store.announce(announceOf({ peer, zone: 'a', numWant: 50 }));
    await store.restore([storedOf({ peer: 200 }, 0)]);
    await store.sweep();
    expect(await store.swarms(undefined, 10)).toMatchObject([{ leechers: 101 }]);
    expect(await store.totals()).toMatchObject({ leechers: 101 });
    expect((await store.scrape([HASH])).concat(await store.figures([HASH]))).toHaveLength(2);
    const stats = await client.info('commandstats');
    const commands = [...stats.matchAll(/cmdstat_([a-z|]+):/g)].map(([, command]) => command!);
    const walks = ['keys', 'scan', 'sscan', 'hscan', 'zscan', 'smembers', 'hkeys', 'hvals'];
    expect(commands.filter((command) => walks.includes(command))).toEqual([]);
    if (kind === 'single') expect(commands).toContain('zadd');
    await store.close();
  });

  it('goes on when Redis has forgotten the scripts', async () => {
    await client.flushall();
    const store = storeOver(client, 1000);
    await client.script('FLUSH');
    expect(await store.announce(announceOf({ peer: 1 }))).toMatchObject({ leechers: 1 });
    await store.close();
  });

  it('names its life anew when it has been emptied, and only then', async () => {
    const stores = [storeOver(client, 1000), storeOver(client, 1000)];
    await client.flushall();
    const first = await stores[0]!.epoch();
    expect([await stores[1]!.epoch(), await stores[0]!.epoch()]).toEqual([first, first]);
    await client.flushall();
    expect(await stores[1]!.epoch()).not.toBe(first);
    for (const store of stores) await store.close();
  });

  it.each(['h', 'i', 'e', 'L4', 'S6'])('makes a swarm anew of which :%s was evicted', async (part) => {
    await client.flushall();
    const clock = { time: START, now: () => clock.time };
    const store = storeOver(client, 1000, clock);
    const announceAll = async () => {
      for (let peer = 0; peer < 30; peer++) {
        const role = peer % 3 === 0 ? 'seed' : 'leecher';
        await store.announce(
          announceOf({ peer, family: peer % 2 === 0 ? 4 : 6, role, zone: 'z', left: peer }),
        );
      }
    };
    await announceAll();
    await client.del(`pix:{${toHex(HASH)}}:${part}`);
    for (let rounds = 0; rounds < 3; rounds++) {
      clock.time += 600;
      await announceAll();
      await store.announce(announceOf({ peer: 30 }));
      await store.announce(announceOf({ peer: 30, role: 'gone' }));
    }
    await announceAll();
    expect(await readSwarm(client, HASH)).toEqual({ seeders: 10, leechers: 20, problems: [] });
    await store.close();
  });
});

function storeOver(client: RedisClient, timeToLive: number, redisClock?: Clock): RedisPeerStore {
  const dependencies = { client, clock: systemClock, timers: systemTimers, logger: silentLogger };
  const own = { random: new SeededRandom(7), ...(redisClock && { redisClock }) };
  return new RedisPeerStore({ ...dependencies, ...own }, { timeToLive });
}
