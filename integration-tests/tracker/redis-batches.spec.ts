import type { Socket } from 'node:net';
import { SeededRandom, silentLogger } from '@pixtorrent/core';
import { systemClock, systemTimers } from '@pixtorrent/service-kit';
import { RedisPeerStore } from '@pixtorrent/tracker';
import { expect, it } from 'vitest';
import { announceOf } from '../../libs/tracker/src/stores/peer-store.suite.ts';
import { RedisServer } from '../support/redis-server.ts';
import { requirement } from '../support/requirement.ts';
import { scoped } from '../support/scope.ts';

const turn = () => new Promise(setImmediate);

it.runIf(requirement('redis'))(
  'announces of one turn leave together, whether those before are answered or not',
  () =>
    scoped(async (scope) => {
      const server = await RedisServer.create(scope);
      await server.start();
      const client = await server.connected();
      const { stream } = client as unknown as { readonly stream: Socket };
      const store = new RedisPeerStore(
        {
          client,
          clock: systemClock,
          timers: systemTimers,
          random: new SeededRandom(1),
          logger: silentLogger,
        },
        { timeToLive: 60_000, sweepInterval: 60_000 },
      );
      scope.defer(() => store.close());
      await store.announce(announceOf({ peer: 0 }));
      server.signal('SIGSTOP');
      const announce = async (peers: readonly number[]) => {
        const before = stream.bytesWritten;
        const answers = Promise.all(peers.map((peer) => store.announce(announceOf({ peer }))));
        await turn();
        await turn();
        return { answers, bytes: stream.bytesWritten - before };
      };
      const one = await announce([1]);
      const two = await announce([2, 3]);
      server.signal('SIGCONT');
      expect(one.bytes).toBeGreaterThan(0);
      expect(two.bytes).toBe(2 * one.bytes);
      await one.answers;
      expect((await two.answers).at(-1)?.leechers).toBe(4);
    }),
);
