import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PeerStoreError } from '../../errors.ts';
import type { PeerStoreSuiteOptions } from '../peer-store.suite.ts';
import { announceOf, HASH, HASHES, hostsOf, storedOf, TIME_TO_LIVE, withStore } from './announces.ts';
import { NaiveStore } from './naive-store.ts';
import { steps } from './steps.ts';

const NOTHING = { seeders: 0, leechers: 0, completed: 0 };

/** Who is in a swarm, and for how long. */
export function membersSuite(options: PeerStoreSuiteOptions): void {
  it('counts, hands out and forgets like a naive model, whatever is announced and when', async () => {
    const property = fc.asyncProperty(steps, (sequence) =>
      withStore(options, async ({ store, now, advance }) => {
        const model = new NaiveStore(options.recallsDepartures ?? false);
        for (const step of sequence) {
          await advance(step.wait);
          if (step.type === 'announce') {
            const announce = announceOf(step.change);
            model.check(announce, await store.announce(announce), now());
          } else {
            const peers = step.peers.map(({ change, age }) => storedOf(change, age));
            await store.restore(peers);
            for (const peer of peers) model.restore(peer, now());
          }
          const figures = await store.figures(HASHES);
          expect(figures.map((entry) => entry?.leftDistribution ?? [])).toEqual(
            model.leftDistributions(now()),
          );
          const scraped = await store.scrape(HASHES);
          expect(scraped.map((entry) => entry ?? NOTHING)).toEqual(model.counts(now()));
        }
      }),
    );
    await fc.assert(property, { numRuns: options.runs });
  });

  it('grows to many peers, and gives all of them back', () =>
    withStore(options, async ({ store, advance }) => {
      for (let i = 0; i < 3000; i++) {
        await store.announce(announceOf({ peer: i, ...(i % 3 === 0 && { role: 'seed' as const }) }));
      }
      expect(await store.scrape([HASH])).toEqual([{ seeders: 1000, leechers: 2000, completed: 0 }]);
      expect((await store.figures([HASH]))[0]?.leftDistribution).toEqual([2000]);
      for (let i = 0; i < 3000; i += 2) await store.announce(announceOf({ peer: i, role: 'gone' }));
      expect(await store.scrape([HASH])).toEqual([{ seeders: 500, leechers: 1000, completed: 0 }]);
      const all = await store.announce(announceOf({ peer: 1, numWant: 5000 }));
      expect(new Set(hostsOf(all)).size).toBe(1499);
      await advance(TIME_TO_LIVE);
      expect((await store.announce(announceOf({ peer: 1 }))).leechers).toBe(1);
    }));

  it('keeps a peer until its time is up, and not a moment longer', () =>
    withStore(options, async ({ store, advance }) => {
      await store.announce(announceOf({ peer: 1 }));
      await advance(TIME_TO_LIVE - 1);
      expect((await store.announce(announceOf({ peer: 2 }))).leechers).toBe(2);
      await advance(1);
      expect((await store.announce(announceOf({ peer: 3 }))).leechers).toBe(2);
    }));

  it('lets a peer go at once, and leaves no trace of one that was never there', () =>
    withStore(options, async ({ store }) => {
      expect(await store.announce(announceOf({ peer: 1, role: 'gone' }))).toMatchObject({ leechers: 0 });
      await store.announce(announceOf({ peer: 1 }));
      await store.announce(announceOf({ peer: 2 }));
      const left = await store.announce(announceOf({ peer: 1, role: 'gone' }));
      expect(left.leechers).toBe(1);
      expect(hostsOf(left)).toEqual([]);
      expect(hostsOf(await store.announce(announceOf({ peer: 3 })))).toEqual(['10.0.0.2']);
    }));

  it('counts a download once, and only where the peer was no seed before', () =>
    withStore(options, async ({ store }) => {
      await store.announce(announceOf({ peer: 1 }));
      for (let i = 0; i < 3; i++) {
        await store.announce(announceOf({ peer: 1, role: 'seed', completed: true }));
      }
      expect(await store.scrape([HASH])).toEqual([{ seeders: 1, leechers: 0, completed: 1 }]);
    }));

  it('answers nothing any more when it is closed', () =>
    withStore(options, async ({ store }) => {
      await store.announce(announceOf({ peer: 1 }));
      await store.close();
      await expect(store.announce(announceOf({ peer: 2 }))).rejects.toThrow(PeerStoreError);
      await expect(store.scrape([HASH])).rejects.toThrow(PeerStoreError);
      await expect(store.totals()).rejects.toThrow(PeerStoreError);
    }));
}
