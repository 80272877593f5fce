import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import type { PeerStoreSuiteOptions } from '../peer-store.suite.ts';
import type { MemberChange, PeerStore } from '../peer-store.ts';
import { announceOf, HASH, hostOf, storedOf, TIME_TO_LIVE, withStore } from './announces.ts';
import { steps } from './steps.ts';

/** Who hears of what. */
export function changesSuite(options: PeerStoreSuiteOptions): void {
  it('tells who comes, becomes whole and goes, in order, and nothing of who only announces again', () =>
    withStore(options, async ({ store }) => {
      const { told, end } = await watch(store);
      await store.announce(announceOf({ peer: 1, pixwire: true }));
      await store.announce(announceOf({ peer: 1, pixwire: true }));
      await store.announce(announceOf({ peer: 2, family: 6, swarm: 1 }));
      await store.announce(announceOf({ peer: 3, family: 6, role: 'seed' }));
      await store.announce(announceOf({ peer: 1, pixwire: true, role: 'seed', completed: true }));
      await store.announce(announceOf({ peer: 4, role: 'gone' }));
      await store.announce(announceOf({ peer: 1, role: 'gone' }));
      const first = { peerId: announceOf({ peer: 1 }).peerId, address: bytes([10, 0, 0, 1]), port: 6881 };
      await vi.waitFor(() =>
        expect(told).toMatchObject([
          { type: 'joined', ...first, seed: false, pixwire: true },
          { type: 'joined', address: announceOf({ peer: 3, family: 6 }).address, seed: true, pixwire: false },
          { type: 'joined', ...first, seed: true, pixwire: true },
          { type: 'left', ...first, seed: true, pixwire: true },
        ]),
      );
      end();
      const other = await watch(store);
      await store.announce(announceOf({ peer: 5 }));
      await vi.waitFor(() => expect(other.told).toHaveLength(1));
      expect(told).toHaveLength(4);
    }));

  it('tells of those whose time has run out though nobody announces, and of those told at second hand', () =>
    withStore(options, async ({ store, advance }) => {
      const { told } = await watch(store);
      await store.announce(announceOf({ peer: 1 }));
      await store.restore([storedOf({ peer: 2 }, 100)]);
      await store.restore([storedOf({ peer: 2, role: 'gone' }, 50)]);
      await advance(TIME_TO_LIVE + 10_000);
      await vi.waitFor(() =>
        expect(told.map(({ type, address }) => `${type} ${address[3]}`)).toEqual([
          'joined 1',
          'joined 2',
          'left 2',
          'left 1',
        ]),
      );
    }));

  it('tells exactly what makes the members that there are, whatever happens', async () => {
    const property = fc.asyncProperty(steps, (sequence) =>
      withStore(options, async ({ store, advance }) => {
        const { told } = await watch(store);
        for (const step of sequence) {
          await advance(step.wait);
          if (step.type === 'announce') await store.announce(announceOf(step.change));
          else await store.restore(step.peers.map(({ change, age }) => storedOf(change, age)));
        }
        const [counts] = await store.scrape([HASH]);
        await vi.waitFor(() => {
          const members = membersBy(told);
          const seeders = [...members.values()].filter((seed) => seed).length;
          expect({ seeders, leechers: members.size - seeders }).toEqual({
            seeders: counts?.seeders ?? 0,
            leechers: counts?.leechers ?? 0,
          });
        });
      }),
    );
    await fc.assert(property, { numRuns: Math.ceil(options.runs / 5) });
  });
}

/** Watches the first swarm from when the store is known to tell its changes. */
export async function watch(store: PeerStore): Promise<{ told: MemberChange[]; end: () => void }> {
  const beacon = announceOf({ peer: 60_000 });
  const told: MemberChange[] = [];
  let beacons = 0;
  let sent = 0;
  const end = store.watch(HASH, (change) => {
    if (hostOf(change) === hostOf(beacon)) beacons++;
    else told.push(change);
  });
  await vi.waitFor(async () => {
    await store.announce(beacon);
    await store.announce({ ...beacon, role: 'gone' });
    sent++;
    expect(beacons).toBeGreaterThan(0);
  });
  expect(beacons).toBeLessThanOrEqual(2 * sent);
  return { told, end };
}

/** Who is there by what was told, and whether as a seed. */
function membersBy(told: readonly MemberChange[]): Map<string, boolean> {
  const members = new Map<string, boolean>();
  for (const change of told) {
    const host = hostOf(change);
    if (change.type === 'joined') {
      expect(members.get(host)).not.toBe(change.seed);
      members.set(host, change.seed);
    } else {
      expect(members.get(host)).toBe(change.seed);
      members.delete(host);
    }
  }
  return members;
}

function bytes(values: number[]): Uint8Array {
  return expect.toSatisfy((actual) => actual instanceof Uint8Array && Buffer.from(values).equals(actual));
}
