import { expect, it, vi } from 'vitest';
import type { PeerStoreSuiteOptions } from '../peer-store.suite.ts';
import type { Heard } from '../peer-store.ts';
import { announceOf, HASH, hostsOf, storedOf, TIME_TO_LIVE, withStore } from './announces.ts';
import { watch } from './changes.suite.ts';

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

  it('lets go of who has left by what was heard last of him, however late that is told, and of nobody who came since', () =>
    withStore(options, async ({ store, advance }) => {
      const { told } = await watch(store);
      const first = await store.announce(announceOf({ peer: 1 }));
      const other = await store.announce(announceOf({ peer: 2 }));
      await advance(1);
      const again = await store.announce(announceOf({ peer: 1 }));
      const gone = (peer: number, heard: Heard) => ({ ...storedOf({ peer, role: 'gone' }, 0), heard });
      // What was sent before comes after, and says nothing of its age.
      await store.restore([gone(1, first.heard), gone(2, other.heard)]);
      expect(hostsOf(await store.announce(announceOf({ peer: 3 })))).toEqual(['10.0.0.1']);
      const kept = await store.restore([storedOf({ peer: 3 }, 0), storedOf({ peer: 1 }, TIME_TO_LIVE / 2)]);
      await advance(1);
      await store.announce(announceOf({ peer: 3, role: 'seed' }));
      await store.restore([gone(3, kept[0])]);
      await store.restore([gone(1, kept[1])]);
      expect(await store.scrape([HASH])).toEqual([{ seeders: 1, leechers: 1, completed: 0 }]);
      await store.restore([gone(1, again.heard)]);
      const last = await store.restore([storedOf({ peer: 3, role: 'seed' }, 0)]);
      await store.restore([gone(3, last[0])]);
      expect((await store.announce(announceOf({ peer: 4 }))).seeders).toBe(0);
      await vi.waitFor(() =>
        expect(told.map(({ type, address }) => `${type} ${address[3]}`)).toEqual([
          'joined 1',
          'joined 2',
          'left 2',
          'joined 3',
          'joined 3',
          'left 1',
          'left 3',
          'joined 4',
        ]),
      );
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
