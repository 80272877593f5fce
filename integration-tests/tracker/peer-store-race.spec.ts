import { createHash } from 'node:crypto';
import { infoHash, SeededRandom, silentLogger } from '@pixtorrent/core';
import { systemClock, systemTimers } from '@pixtorrent/service-kit';
import { RedisPeerStore } from '@pixtorrent/tracker';
import { describe, expect, it, vi } from 'vitest';
import { Process } from '../support/processes.ts';
import { type RedisClient, RedisServer } from '../support/redis-server.ts';
import { requirement } from '../support/requirement.ts';
import { type Scope, scoped } from '../support/scope.ts';
import { readSwarm } from './stored-swarm.ts';

const PROCESSES = 2;
/** In each process. */
const WRITERS = 16;
const ANNOUNCES = 400;
const PEERS = 300;

describe.runIf(requirement('redis'))('32 writers in two processes, on three swarms', () => {
  // With the shorter one members run out all the time; the longer one leaves many to look at.
  it.each([100, 60_000])('leave counts that are the members, with %i ms to live', (timeToLive) =>
    scoped(async (scope) => {
      const server = await RedisServer.create(scope);
      await server.start();
      const processes = await Promise.all(
        Array.from({ length: PROCESSES }, (_, seed) => startWriter(scope, server, seed, timeToLive)),
      );
      for (const writer of processes)
        expect(await writer.line('problems', (line) => line.startsWith('['), 120)).toBe('[]');
      const client = await server.connected();
      const store = storeOver(client, timeToLive);
      scope.defer(() => store.close());
      const counts = await store.scrape(HASHES);
      let members = 0;
      for (const [i, hash] of HASHES.entries()) {
        const swarm = await readSwarm(client, hash);
        expect(swarm.problems).toEqual([]);
        const { seeders, leechers } = counts[i] ?? { seeders: 0, leechers: 0 };
        // Time goes on, and with it members.
        if (timeToLive > 1000) expect([seeders, leechers]).toEqual([swarm.seeders, swarm.leechers]);
        members += swarm.seeders + swarm.leechers;
      }
      if (timeToLive > 1000) {
        expect(members).toBeGreaterThan(300);
        const totals = await store.totals();
        expect(totals.seeders + totals.leechers).toBe(members);
      } else
        await vi.waitFor(async () => expect(await client.keys('*')).toEqual([]), {
          timeout: 60_000,
          interval: 200,
        });
    }),
  );
});

const HASHES = [1, 2, 3].map((n) => infoHash(createHash('sha1').update(`race ${n}`).digest()));

function startWriter(scope: Scope, server: RedisServer, seed: number, timeToLive: number): Promise<Process> {
  const script = new URL('peer-store-writer.ts', import.meta.url).pathname;
  const args = [server.port, seed, WRITERS, ANNOUNCES, PEERS, timeToLive].map(String);
  const command = [process.execPath, '--conditions=@pixtorrent/source', script, ...args];
  return Process.start(scope, `writer ${seed}`, command);
}

function storeOver(client: RedisClient, timeToLive: number): RedisPeerStore {
  const random = new SeededRandom(9);
  const dependencies = { client, clock: systemClock, timers: systemTimers, random, logger: silentLogger };
  return new RedisPeerStore(dependencies, { timeToLive, sweepInterval: 100 });
}
