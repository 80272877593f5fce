import { expect, it } from 'vitest';
import type { PeerStoreSuiteOptions } from '../peer-store.suite.ts';
import { announceOf, HASH, hostsOf, storedOf, TIME_TO_LIVE, withStore } from './announces.ts';

/** What is told at second hand. */
export function restoreSuite(options: PeerStoreSuiteOptions): void {
  it('takes over who has announced elsewhere, for the time that is left, and counts no download', () =>
    withStore(options, async ({ store, now, advance }) => {
      await store.restore([
        storedOf({ peer: 1, role: 'seed', zone: 'here', pixwire: true }, 600),
        storedOf({ peer: 2, left: 300 }, 0),
        storedOf({ peer: 3 }, TIME_TO_LIVE),
      ]);
      expect(await store.figures([HASH])).toEqual([
        {
          infoHash: HASH,
          seeders: 1,
          leechers: 1,
          completed: 0,
          leftDistribution: [0, 0, 0, 0, 0, 0, 0, 0, 1],
          announceRate: 0,
          firstSeen: now() - 600,
          lastSeen: now(),
        },
      ]);
      await advance(399);
      expect(await store.scrape([HASH])).toEqual([{ seeders: 1, leechers: 1, completed: 0 }]);
      await advance(1);
      expect(await store.scrape([HASH])).toEqual([{ seeders: 0, leechers: 1, completed: 0 }]);
    }));

  it('leaves alone who has announced since, and lets go who has not', () =>
    withStore(options, async ({ store, advance }) => {
      await store.announce(announceOf({ peer: 1 }));
      await store.announce(announceOf({ peer: 2 }));
      await advance(100);
      await store.announce(announceOf({ peer: 1 }));
      await store.announce(announceOf({ peer: 3, role: 'seed' }));
      await store.restore([
        storedOf({ peer: 1, role: 'gone' }, 50),
        storedOf({ peer: 2, role: 'gone' }, 50),
        storedOf({ peer: 3, role: 'leecher' }, 50),
      ]);
      const answer = await store.announce(announceOf({ peer: 4 }));
      expect(hostsOf(answer).sort()).toEqual(['10.0.0.1', '10.0.0.3']);
      expect(answer).toMatchObject({ seeders: 1, leechers: 2 });
    }));

  it('lets everybody go in time when one of those told at second hand has left before', () =>
    withStore(options, async ({ store, advance }) => {
      await store.announce(announceOf({ peer: 1 }));
      await store.restore([storedOf({ peer: 2 }, 100)]);
      await store.announce(announceOf({ peer: 2, role: 'gone' }));
      await store.restore([storedOf({ peer: 3 }, 200)]);
      await advance(TIME_TO_LIVE - 1);
      expect((await store.announce(announceOf({ peer: 4 }))).leechers).toBe(2);
      await advance(1);
      expect((await store.announce(announceOf({ peer: 4 }))).leechers).toBe(1);
    }));

  it('lets those who are older go before those who are younger, however many are told in which order', () =>
    withStore(options, async ({ store, advance }) => {
      for (let i = 0; i < 20; i++) {
        await store.announce(announceOf({ peer: i, numWant: 0 }));
        await advance(10);
      }
      const ages = Array.from({ length: 500 }, (_, i) => (i * 337) % 500);
      await store.restore(ages.map((age, i) => storedOf({ peer: 100 + i }, age)));
      // Those under 400 and all of the 20 are left, then those under 150 and the 14 of the last 140 ms.
      await advance(600);
      expect((await store.scrape([HASH]))[0]?.leechers).toBe(420);
      await advance(250);
      expect((await store.scrape([HASH]))[0]?.leechers).toBe(150 + 14);
    }));
}
