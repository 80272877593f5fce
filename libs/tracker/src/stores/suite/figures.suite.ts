import { infoHash, toHex } from '@pixtorrent/core';
import { expect, it } from 'vitest';
import type { PeerStoreSuiteOptions } from '../peer-store.suite.ts';
import { announceOf, HASH, HASHES, TIME_TO_LIVE, withStore } from './announces.ts';

const MINUTE = 60_000;

/** What is known of swarms, of one, some or all. */
export function figuresSuite(options: PeerStoreSuiteOptions): void {
  it('lists the swarms that are alive, with their figures', () =>
    withStore(options, async ({ store, now, advance }) => {
      await store.announce(announceOf({ peer: 1, swarm: 0 }));
      await advance(TIME_TO_LIVE - 10);
      const firstSeen = now();
      await store.announce(announceOf({ peer: 1, swarm: 1, role: 'seed', completed: true }));
      await store.announce(announceOf({ peer: 2, swarm: 1, left: 2 ** 40 }));
      await advance(10);
      await store.announce(announceOf({ peer: 3, swarm: 1, left: 5 }));
      const figures = {
        infoHash: HASHES[1],
        seeders: 1,
        leechers: 2,
        completed: 1,
        leftDistribution: [0, 0, 1, ...new Array<number>(37).fill(0), 1],
        announceRate: expect.closeTo(3 / 60, 2),
        firstSeen,
        lastSeen: firstSeen + 10,
      };
      expect(await store.swarms(undefined, 10)).toEqual([figures]);
      expect(await store.figures([HASH, HASHES[1]!, HASHES[2]!])).toEqual([undefined, figures, undefined]);
    }));

  it('counts leechers by what is left to them now, in a large swarm too', () =>
    withStore(options, async ({ store }) => {
      for (const left of [1000, 500, 3])
        for (let peer = 0; peer < 300; peer++)
          await store.announce(announceOf({ peer, left: peer < 100 ? 1000 : left, numWant: 0 }));
      for (let peer = 290; peer < 300; peer++)
        await store.announce(announceOf({ peer, role: 'seed', left: 0, numWant: 0 }));
      const [figures] = await store.figures([HASH]);
      expect(figures?.leftDistribution).toEqual([0, 190, 0, 0, 0, 0, 0, 0, 0, 100]);
    }));

  it('lists swarms in the order of their info hashes, page by page', () =>
    withStore(options, async ({ store }) => {
      const hashes = Array.from({ length: 60 }, (_, i) => infoHash(new Uint8Array(20).fill((i * 37) % 256)));
      for (const hash of hashes) await store.announce({ ...announceOf({ peer: 1 }), infoHash: hash });
      const sorted = hashes.map(toHex).sort();
      const listed: string[] = [];
      for (let page = await store.swarms(undefined, 7); page.length > 0; ) {
        expect(page.length).toBeLessThanOrEqual(7);
        listed.push(...page.map((swarm) => toHex(swarm.infoHash)));
        page = await store.swarms(page.at(-1)!.infoHash, 7);
      }
      expect(listed).toEqual(sorted);
      const between = infoHash(Buffer.from(sorted[20]!, 'hex').fill(0xff, 19));
      expect((await store.swarms(between, 1)).map((swarm) => toHex(swarm.infoHash))).toEqual([sorted[21]]);
    }));

  it('adds up all swarms, without those that have gone by themselves', () =>
    withStore(
      options,
      async ({ store, advance }) => {
        await store.announce(announceOf({ peer: 1, swarm: 0, role: 'seed', completed: true }));
        await store.announce(announceOf({ peer: 2, swarm: 1 }));
        await advance(MINUTE / 2);
        await store.announce(announceOf({ peer: 3, swarm: 1 }));
        await store.announce(announceOf({ peer: 4, swarm: 1, role: 'seed', completed: true }));
        await advance(10_000);
        expect(await store.totals()).toEqual({ swarms: 2, seeders: 2, leechers: 2, completed: 2 });
        await advance(MINUTE / 2);
        expect(await store.totals()).toEqual({ swarms: 1, seeders: 1, leechers: 1, completed: 1 });
        await advance(MINUTE / 2);
        expect(await store.totals()).toEqual({ swarms: 0, seeders: 0, leechers: 0, completed: 0 });
      },
      MINUTE,
    ));

  it('knows how often is announced, over about the last minute', () =>
    withStore(
      options,
      async ({ store, advance }) => {
        const rate = async () => (await store.figures([HASH]))[0]!.announceRate;
        const announce = async (seconds: number) => {
          for (let i = 0; i < seconds * 2; i++) {
            await advance(500);
            await store.announce(announceOf({ peer: i % 5, numWant: 0 }));
          }
        };
        await announce(100);
        expect(await rate()).toBeCloseTo(2, 0);
        await announce(45);
        expect(await rate()).toBeCloseTo(2, 0);
        await advance(2 * MINUTE);
        expect(await rate()).toBe(0);
      },
      5 * MINUTE,
    ));
}
