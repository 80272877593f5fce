import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { PeerStoreSuiteOptions } from '../peer-store.suite.ts';
import type { PeerStore } from '../peer-store.ts';
import { addressOf, announceOf, type Change, compactOf, hostsOf, withStore } from './announces.ts';

/** Who gets whom. */
export function handOutSuite(options: PeerStoreSuiteOptions): void {
  it('does not hand a peer to itself, under its other address either', () =>
    withStore(options, async ({ store }) => {
      await store.announce(announceOf({ peer: 1 }));
      await store.announce(announceOf({ peer: 1, family: 6 }));
      await store.announce(announceOf({ peer: 2 }));
      expect(hostsOf(await store.announce(announceOf({ peer: 1 })))).toEqual(['10.0.0.2']);
    }));

  it("hands out the asker's own family first, the other where there is room and it is wanted", () =>
    withStore(options, async ({ store }) => {
      for (let i = 0; i < 5; i++) {
        await store.announce(announceOf({ peer: i, family: 6 }));
        await store.announce(announceOf({ peer: 100 + i }));
      }
      const ask = async (change: Partial<Change>) => {
        const { peers } = await store.announce(announceOf({ peer: 50, ...change }));
        return [peers.v4.length / 6, peers.v6.length / 18];
      };
      expect(await ask({ numWant: 4 })).toEqual([4, 0]);
      expect(await ask({ numWant: 8 })).toEqual([5, 3]);
      expect(await ask({ numWant: 8, families: 'own' })).toEqual([5, 0]);
      // The asker is there once over IPv4 already, which it is not given.
      expect(await ask({ numWant: 8, family: 6 })).toEqual([3, 5]);
    }));

  it('gives an asker half of those near it, of its node first, and half of the whole swarm', () =>
    withStore(options, async ({ store }) => {
      for (let i = 0; i < 300; i++) {
        const zone = i < 50 ? 'here' : 'there';
        await store.announce(announceOf({ peer: i, zone, node: i < 6 ? 'mine' : `node-${i}` }));
      }
      const ask = { peer: 999, zone: 'here', node: 'mine', numWant: 40 };
      let far = 0;
      for (let i = 0; i < 50; i++) {
        const given = await numbersGiven(store, ask);
        expect(given.filter((peer) => peer < 6)).toHaveLength(6);
        expect(given.filter((peer) => peer < 50).length).toBeGreaterThanOrEqual(20);
        far += given.filter((peer) => peer >= 50).length;
      }
      // Of the random half of 20, out of the 280 that remain, 250 are far: 17.9 each time.
      expect(far / 50).toBeGreaterThan(16);
      expect(await numbersGiven(store, { ...ask, zone: '', node: '' })).toHaveLength(40);
    }));

  it('gives who is stalled others, at random, and the ones it has only where there are no more', () =>
    withStore(options, async ({ store }) => {
      for (let i = 0; i < 60; i++)
        await store.announce(announceOf({ peer: i, zone: i < 30 ? 'here' : 'there' }));
      const had = Array.from({ length: 20 }, (_, i) => i);
      const stalledWith = new Set(had.map((peer) => compactOf(peer, 4)));
      const ask = { peer: 999, zone: 'here', numWant: 30, stalledWith };
      let near = 0;
      for (let i = 0; i < 50; i++) {
        const given = await numbersGiven(store, ask);
        expect(given.filter((peer) => had.includes(peer))).toEqual([]);
        near += given.filter((peer) => peer < 30).length;
      }
      // 10 of the 40 others are near, and 30 are taken: 7.5 each time, where all 10 would be near first.
      expect(near / 50).toBeLessThan(8.5);
      const most = await numbersGiven(store, { ...ask, numWant: 45 });
      expect(most.filter((peer) => had.includes(peer))).toHaveLength(5);
    }));

  it('gives who is stalled no more than it wants, of both families together', () =>
    withStore(options, async ({ store }) => {
      for (const peer of [1, 2, 3, 4]) await store.announce(announceOf({ peer }));
      await store.announce(announceOf({ peer: 5, family: 6 }));
      const stalledWith = new Set([compactOf(4, 4)]);
      for (let i = 0; i < 20; i++) {
        const given = hostsOf(await store.announce(announceOf({ peer: 9, numWant: 4, stalledWith })));
        expect(given.toSorted()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3', '2001:db8::1:6']);
      }
    }));

  it('starves nobody: over many joins each peer is handed out about as often as any other', () =>
    withStore(options, async ({ store }) => {
      const given = new Map<string, number>();
      for (let i = 0; i < 200; i++)
        await store.announce(announceOf({ peer: i, ...(i < 100 && { role: 'seed' }) }));
      for (let i = 0; i < 2000; i++) {
        const asker = announceOf({ peer: 1000 + (i % 2), numWant: 20 });
        for (const host of hostsOf(await store.announce(asker))) given.set(host, (given.get(host) ?? 0) + 1);
        if (i % 2) await store.announce({ ...asker, role: 'gone' });
      }
      for (let i = 0; i < 200; i++) {
        // 200 expected, some 14 of deviation.
        expect(given.get(addressOf(i, 4))).toBeGreaterThan(130);
        expect(given.get(addressOf(i, 4))).toBeLessThan(270);
      }
    }));

  /**
   * Of the w peers of an answer at least w/2 are drawn from the whole swarm, however near others are. So of n members
   * each is in an answer with a chance of w/2n or more, and in none of 20 * 2n/w with one of at most e^-20.
   */
  it('starves nobody: in any zones each member is handed out within 40 n/w joins', async () => {
    const zone = fc.constantFrom('', 'a', 'b', 'c');
    const swarm = fc.record({
      members: fc.array(fc.record({ zone, node: zone, seed: fc.boolean() }), { minLength: 2, maxLength: 60 }),
      asker: fc.record({ zone, node: zone, numWant: fc.integer({ min: 2, max: 50 }) }),
    });
    const property = fc.asyncProperty(swarm, ({ members, asker }) =>
      withStore(options, ({ store }) => expectNobodyStarves(store, members, asker)),
    );
    const lopsided = [
      { zone: 'single', node: 'single', seed: false },
      ...Array.from({ length: 200 }, (_, i) => ({ zone: 'big', node: `node-${i % 7}`, seed: i % 2 === 0 })),
      { zone: 'big', node: 'alone', seed: true },
    ];
    await fc.assert(property, {
      numRuns: Math.ceil(options.runs / 20),
      examples: [
        [{ members: lopsided, asker: { zone: 'big', node: 'node-1', numWant: 50 } }],
        [{ members: lopsided, asker: { zone: 'single', node: 'single', numWant: 50 } }],
      ],
    });
  });
}

async function expectNobodyStarves(
  store: PeerStore,
  members: readonly { zone: string; node: string; seed: boolean }[],
  asker: { zone: string; node: string; numWant: number },
): Promise<void> {
  for (const [peer, { seed, ...labels }] of members.entries())
    await store.announce(announceOf({ peer, role: seed ? 'seed' : 'leecher', ...labels }));
  const bound = Math.ceil((40 * (members.length + 1)) / asker.numWant);
  const given = new Set<number>();
  for (let join = 0; join < bound; join++) {
    const peer = 1000 + join;
    for (const member of await numbersGiven(store, { ...asker, peer })) given.add(member);
    await store.announce(announceOf({ peer, role: 'gone' }));
  }
  expect(members.flatMap((member, peer) => (given.has(peer) ? [] : [{ peer, ...member }]))).toEqual([]);
}

/** The numbers of the peers, all over IPv4, that an announce gets. */
async function numbersGiven(store: PeerStore, change: Partial<Change> & { peer: number }): Promise<number[]> {
  const { peers } = await store.announce(announceOf(change));
  return Array.from(
    { length: peers.v4.length / 6 },
    (_, i) => (peers.v4[i * 6 + 2]! << 8) | peers.v4[i * 6 + 3]!,
  );
}
