import { type InfoHash, SeededRandom } from '@pixtorrent/core';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ClusterLimits } from './cluster-limits.ts';
import type { ClusterNode } from './cluster-node.ts';
import { type Holding, Holdings } from './holdings.ts';
import type { Lease, NodeChange, NodeStore } from './node-store.ts';

/** Two stores over one cluster, which is empty: of two processes, or the same one twice where it has only one. */
export type MakeNodeStores = (limits: ClusterLimits) => Promise<readonly [NodeStore, NodeStore]>;

/** Longer than any test. */
const LONG = 600_000;
const PATIENCE = { timeout: 10_000, interval: 5 };

/** What every store does; each implementation runs it. */
export function nodeStoreSuite(name: string, make: MakeNodeStores): void {
  const setUp = async (limits: ClusterLimits = {}) => {
    const stores = await make(limits);
    onTestFinished(async () => {
      for (const store of stores) await store.close();
    });
    return stores;
  };

  describe(`${name} as a store of nodes`, () => {
    it('keeps everything that a node says', async () => {
      const [one, other] = await setUp();
      const node = nodeOf({
        name: 'pod-0.peers',
        state: 'draining',
        zone: 'зона "a"\n',
        machine: 'm',
        grpcAddress: '[::1]:6882',
        httpAddress: '',
        peerAddress: '10.0.0.1:6881',
        diskBudget: 2 ** 52 + 1,
        diskUsed: 17,
        since: 1_700_000_000_000,
        holdings: Holdings.of([holding(1), holding(2, { have: 2 ** 40 + 3, peers: 7 })]),
      });
      await one.put(node, lease());
      await one.put(nodeOf({ name: 'bare' }), lease());
      const found = new Map((await other.list()).map((each) => [each.name, each]));
      expect([...found.keys()].sort()).toEqual(['bare', 'pod-0.peers']);
      expect(found.get('pod-0.peers')).toEqual(node);
      expect([...found.get('pod-0.peers')!.holdings]).toEqual([...node.holdings]);
      expect(found.get('bare')!.holdings).toHaveLength(0);
    });

    it('tells whoever watches what is new, and only that', async () => {
      const [one, other] = await setUp();
      const heard = [await watching(one), await watching(other)];
      const tells = async (words: string[]) => {
        for (const { told } of heard) await vi.waitFor(() => expect(told).toEqual(words), PATIENCE);
        for (const { told } of heard) told.length = 0;
      };
      await one.put(nodeOf({ name: 'a' }), lease());
      await one.put(nodeOf({ name: 'a' }), lease());
      await one.put(nodeOf({ name: 'a', state: 'draining' }), lease());
      await tells(['a ready', 'a draining']);
      const holdings = Holdings.of([holding(1)]);
      await one.put(nodeOf({ name: 'a', holdings }), lease());
      await one.put(nodeOf({ name: 'a', holdings: Holdings.of([holding(1)]) }), lease());
      await other.put(nodeOf({ name: 'b', diskUsed: 1 }), lease({ holder: 'other' }));
      await tells(['a ready 1', 'b ready']);
      await one.remove('a', 'holder');
      await one.remove('a', 'holder');
      await tells(['-a']);
      expect((await other.list()).map((node) => node.name)).toEqual(['b']);
      const [first] = heard;
      first!.stop();
      await one.put(nodeOf({ name: 'c' }), lease());
      await vi.waitFor(() => expect(heard[1]!.told).toEqual(['c ready']), PATIENCE);
      expect(first!.told).toEqual([]);
    });

    it('lets go whose time has run out, and says so without being asked', async () => {
      const [one, other] = await setUp();
      const heard = [await watching(one), await watching(other)];
      await one.put(nodeOf({ name: 'brief' }), lease({ goodFor: 150 }));
      await one.put(nodeOf({ name: 'lasting' }), lease());
      await one.put(nodeOf({ name: 'shortened' }), lease());
      await one.put(nodeOf({ name: 'shortened' }), lease({ goodFor: 150 }));
      for (const { told } of heard)
        await vi.waitFor(() => expect(told.slice(3).sort()).toEqual(['-brief', '-shortened']), PATIENCE);
      expect((await other.list()).map((node) => node.name)).toEqual(['lasting']);
    });

    it('keeps a node as long as it is put again', async () => {
      const [store] = await setUp();
      const { told } = await watching(store);
      for (let i = 1; i <= 12; i++) {
        await store.put(nodeOf({ name: 'a' }), lease({ goodFor: 1000 }));
        await store.put(nodeOf({ name: 'tick' }), lease({ goodFor: 100 }));
        await vi.waitFor(() => expect(told.filter((word) => word === '-tick')).toHaveLength(i), PATIENCE);
      }
      expect(told).toContain('a ready');
      expect(told).not.toContain('-a');
      await vi.waitFor(() => expect(told).toContain('-a'), PATIENCE);
    });

    it('lets the newer registration of a name win', async () => {
      const [one, other] = await setUp();
      const old = lease({ holder: 'old', takesOver: false });
      const young = lease({ holder: 'young', takesOver: false });
      await one.put(nodeOf({ name: 'a' }), { ...old, takesOver: true });
      await one.put(nodeOf({ name: 'a', diskUsed: 1 }), old);
      await expect(other.put(nodeOf({ name: 'a' }), young)).rejects.toMatchObject({ code: 'replaced' });
      await other.put(nodeOf({ name: 'a', diskUsed: 2 }), { ...young, takesOver: true });
      await expect(one.put(nodeOf({ name: 'a', diskUsed: 3 }), old)).rejects.toMatchObject({
        code: 'replaced',
        message: expect.stringContaining('a has been registered anew'),
      });
      await one.remove('a', 'old');
      expect((await one.list()).map(({ diskUsed }) => diskUsed)).toEqual([2]);
      await one.remove('a', 'young');
      expect(await one.list()).toEqual([]);
      // Nobody has it any more: one who was there before may come back.
      await one.put(nodeOf({ name: 'a' }), old);
      expect(await one.list()).toHaveLength(1);
    });

    it('refuses what goes past its bounds, and has room again when something has gone', async () => {
      const [store] = await setUp({ maxNodes: 2, maxHoldings: 5 });
      const full = { code: 'full' };
      const having = (count: number) => Holdings.of(Array.from({ length: count }, (_, i) => holding(i)));
      await store.put(nodeOf({ name: 'a', holdings: having(3) }), lease());
      await store.put(nodeOf({ name: 'b', holdings: having(2) }), lease({ goodFor: 150 }));
      await expect(store.put(nodeOf({ name: 'c' }), lease())).rejects.toMatchObject(full);
      await expect(store.put(nodeOf({ name: 'a', holdings: having(4) }), lease())).rejects.toMatchObject({
        ...full,
        message: expect.stringContaining('all that a has'),
      });
      await store.put(nodeOf({ name: 'a', holdings: having(1) }), lease());
      await vi.waitFor(() => store.put(nodeOf({ name: 'c', holdings: having(4) }), lease()), PATIENCE);
      await expect(store.put(nodeOf({ name: 'a', holdings: having(2) }), lease())).rejects.toMatchObject(
        full,
      );
      await store.remove('c', 'holder');
      await store.put(nodeOf({ name: 'a', holdings: having(5) }), lease());
    });

    it('has room for a node with 10,000 holdings of the largest figures', async () => {
      const [one, other] = await setUp();
      const { told } = await watching(other);
      const large = { have: 2 ** 53 - 1, size: 2 ** 53 - 1, downRate: 2 ** 53 - 1, peers: 2 ** 32 - 1 };
      const holdings = Holdings.of(Array.from({ length: 10_000 }, (_, i) => holding(i, large)));
      await one.put(nodeOf({ name: 'a', holdings }), lease());
      await vi.waitFor(() => expect(told).toEqual(['a ready 10000']), PATIENCE);
      expect((await other.list())[0]!.holdings.equals(holdings)).toBe(true);
    });

    it('tells everybody the same in the end, whoever does what', async () => {
      const stores = await setUp();
      const views = stores.map((store) => {
        const view = new Map<string, number>();
        store.watch((change) => {
          if (change.type === 'node') view.set(change.node.name, change.node.diskUsed);
          else if (change.type === 'gone') view.delete(change.name);
        });
        return view;
      });
      const marks = await Promise.all(stores.map(watching));
      const random = new SeededRandom(11);
      for (let i = 1; i <= 600; i++) {
        const store = stores[random.below(2)]!;
        const of = `n${random.below(12)}`;
        if (random.below(4) === 0) void store.remove(of, 'holder');
        else void store.put(nodeOf({ name: of, diskUsed: i }), lease({ goodFor: [LONG, 20][i % 2]! }));
        if (i % 20 === 0) await store.list();
      }
      await vi.waitFor(async () => {
        const there = new Map((await stores[0]!.list()).map((node) => [node.name, node.diskUsed]));
        for (const view of views) expect(view).toEqual(there);
        expect([...there.values()].every((i) => i % 2 === 0)).toBe(true);
      }, PATIENCE);
      expect(marks[0]!.told.length).toBeGreaterThan(100);
    });

    it('does nothing more once it is closed', async () => {
      const [store] = await setUp();
      await store.put(nodeOf({ name: 'a' }), lease());
      const heard = vi.fn();
      store.watch(heard);
      await store.close();
      heard.mockClear();
      const isClosed = { code: 'closed' };
      await expect(store.put(nodeOf(), lease())).rejects.toMatchObject(isClosed);
      await expect(store.remove('a', 'holder')).rejects.toMatchObject(isClosed);
      await expect(store.list()).rejects.toMatchObject(isClosed);
      expect(heard).not.toHaveBeenCalled();
    });
  });
}

/** What a watcher is told in words, from when it is told anything. */
async function watching(store: NodeStore): Promise<{ readonly told: string[]; stop(): void }> {
  const told: string[] = [];
  let isProbed = false;
  const stop = store.watch((change) => {
    if (change.type === 'gone' && change.name === 'probe') isProbed = true;
    else if (change.type !== 'lost' && !(change.type === 'node' && change.node.name === 'probe'))
      told.push(sentence(change));
  });
  await vi.waitFor(async () => {
    await store.put(nodeOf({ name: 'probe' }), lease());
    await store.remove('probe', 'holder');
    await vi.waitFor(() => expect(isProbed).toBe(true), { timeout: 100, interval: 5 });
  }, PATIENCE);
  return { told, stop };
}

function sentence(change: Exclude<NodeChange, { type: 'lost' }>): string {
  if (change.type === 'gone') return `-${change.name}`;
  const { name, state, holdings } = change.node;
  return `${name} ${state}${holdings.length > 0 ? ` ${holdings.length}` : ''}`;
}

function lease(of: Partial<Lease> = {}): Lease {
  return { holder: 'holder', goodFor: LONG, takesOver: true, ...of };
}

export function nodeOf(of: Partial<ClusterNode> = {}): ClusterNode {
  return {
    name: 'a',
    state: 'ready',
    zone: '',
    machine: '',
    grpcAddress: '',
    httpAddress: '',
    peerAddress: '10.0.0.1:6881',
    diskBudget: 1000,
    diskUsed: 0,
    since: 1,
    holdings: Holdings.NONE,
    ...of,
  };
}

export function holding(seed: number, of: Partial<Holding> = {}): Holding {
  const hash = new Uint8Array(20);
  new DataView(hash.buffer).setUint32(0, seed);
  return {
    infoHash: hash as InfoHash,
    have: 1,
    size: 2,
    downRate: 3,
    upRate: 4,
    peers: 5,
    availability: 6,
    ...of,
  };
}
