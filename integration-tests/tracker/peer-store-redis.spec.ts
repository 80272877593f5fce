import { SeededRandom } from '@pixtorrent/core';
import { systemTimers } from '@pixtorrent/service-kit';
import { RedisPeerStore } from '@pixtorrent/tracker';
import { afterAll, beforeAll, describe } from 'vitest';
import { type PeerStoreUnderTest, peerStoreSuite } from '../../libs/tracker/src/stores/peer-store.suite.ts';
import { type RedisClient, RedisServer } from '../support/redis-server.ts';
import { requirement } from '../support/requirement.ts';
import { Scope } from '../support/scope.ts';

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
      const dependencies = {
        client,
        clock,
        redisClock: clock,
        timers: systemTimers,
        random: new SeededRandom(7),
      };
      const store = new RedisPeerStore(dependencies, { timeToLive });
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
});
