import { SeededRandom, silentLogger } from '@pixtorrent/core';
import { VirtualTime } from '@pixtorrent/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterNode } from './cluster-node.ts';
import { ClusterError } from './errors.ts';
import { Holdings } from './holdings.ts';
import { holding, nodeOf } from './node-store.suite.ts';
import type { Lease, NodeChange, NodeStore } from './node-store.ts';
import { Roster, type RosterOptions } from './roster.ts';
import { MemoryNodeStore } from './stores/memory-node-store.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A store that can be away, deaf, or slow to read. */
class WaywardStore {
  inner: NodeStore;
  readonly time: VirtualTime;
  away = false;
  deaf = false;
  reads = 0;
  /** Called in the middle of each call, when it has been done. */
  meanwhile: () => Promise<void> = async () => {};
  readonly #listeners = new Set<(change: NodeChange) => void>();

  constructor(time: VirtualTime) {
    this.time = time;
    this.inner = this.empty();
  }

  /** What it had is lost, and nobody is told. */
  empty(): NodeStore {
    this.inner = new MemoryNodeStore({ timers: this.time });
    const inner = this.inner;
    inner.watch((change) => {
      if (inner === this.inner && !this.deaf && !this.away) this.tell(change);
    });
    return inner;
  }

  tell(change: NodeChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  watch(listener: (change: NodeChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  put(node: ClusterNode, lease: Lease): Promise<void> {
    return this.#do(() => this.inner.put(node, lease));
  }

  remove(name: string, holder: string): Promise<void> {
    return this.#do(() => this.inner.remove(name, holder));
  }

  list(): Promise<ClusterNode[]> {
    this.reads++;
    return this.#do(() => this.inner.list());
  }

  async #do<T>(work: () => Promise<T>): Promise<T> {
    if (this.away) throw new ClusterError('unavailable', 'away');
    const result = await work();
    await this.meanwhile();
    return result;
  }
}

async function rosterOver(store: WaywardStore, options: RosterOptions = {}) {
  const dependencies = { store, timers: store.time, random: new SeededRandom(1), logger: silentLogger };
  const roster = new Roster(dependencies, options);
  const told: string[] = [];
  roster.follow((change) =>
    told.push(change.type === 'gone' ? `-${change.name}` : `${change.node.name} ${change.news}`),
  );
  await settle();
  return { roster, told };
}

const CLAIM = { holder: 'here', takesOver: true };
const ELSEWHERE: Lease = { holder: 'elsewhere', takesOver: true, goodFor: 15_000 };

async function pass(time: VirtualTime, milliseconds: number): Promise<void> {
  for (const end = time.now() + milliseconds; time.now() < end; ) {
    time.run({ until: Math.min(end, time.now() + 100) });
    await settle();
  }
}

function names(roster: Roster): string[] {
  return [...roster.nodes()].map(({ name }) => name).sort();
}

describe('the roster', () => {
  it('knows what is in the store, and says what is new of whom', async () => {
    const time = new VirtualTime();
    const store = new WaywardStore(time);
    await store.put(nodeOf({ name: 'before' }), ELSEWHERE);
    const { roster, told } = await rosterOver(store);
    expect([roster.ready, roster.stale, names(roster)]).toEqual([true, false, ['before']]);
    expect(await roster.put(nodeOf({ name: 'a' }), CLAIM)).toBe(true);
    const holdings = Holdings.of([holding(1)]);
    for (const change of [{ diskUsed: 1 }, { diskUsed: 1, holdings }, { holdings }, { zone: 'z', holdings }])
      await roster.put(nodeOf({ name: 'a', ...change }), CLAIM);
    await roster.put(nodeOf({ name: 'a', zone: 'z', holdings: Holdings.of([holding(1)]) }), CLAIM);
    await roster.remove('a', 'here');
    expect(told).toEqual([
      'before standing',
      ...['a standing', 'a usage', 'a holdings', 'a usage', 'a standing', '-a'],
    ]);
    await pass(time, 15_000);
    expect(told.at(-1)).toBe('-before');
  });

  it('has a node as soon as it was put, however late the news of it come', async () => {
    const store = new WaywardStore(new VirtualTime());
    const { roster, told } = await rosterOver(store);
    store.deaf = true;
    await roster.put(nodeOf({ name: 'a' }), CLAIM);
    expect(names(roster)).toEqual(['a']);
    store.deaf = false;
    store.tell({ type: 'node', node: nodeOf({ name: 'a' }) });
    expect(told).toEqual(['a standing']);
    // What is told while it is put is newer than what is put.
    store.meanwhile = async () => store.tell({ type: 'node', node: nodeOf({ name: 'a', diskUsed: 7 }) });
    await roster.put(nodeOf({ name: 'a', diskUsed: 5 }), CLAIM);
    expect(roster.get('a')?.diskUsed).toBe(7);
  });

  it('goes by what it is told here while the store is away, and leaves the others as they were', async () => {
    const time = new VirtualTime();
    const store = new WaywardStore(time);
    await store.put(nodeOf({ name: 'other' }), ELSEWHERE);
    const { roster, told } = await rosterOver(store);
    await roster.put(nodeOf({ name: 'a' }), CLAIM);
    await roster.put(nodeOf({ name: 'b' }), CLAIM);
    store.away = true;
    for (let i = 0; i < 12; i++) {
      expect(await roster.put(nodeOf({ name: 'a', diskUsed: i }), CLAIM)).toBe(false);
      if (i < 3) await roster.put(nodeOf({ name: 'b' }), CLAIM);
      await pass(time, 5000);
    }
    expect([roster.stale, names(roster)]).toEqual([true, ['a', 'other']]);
    await roster.put(nodeOf({ name: 'c' }), CLAIM);
    await roster.remove('a', 'here');
    expect(names(roster)).toEqual(['c', 'other']);
    expect(told.filter((word) => word.startsWith('-'))).toEqual(['-b', '-a']);
  });

  it('empties no cluster because the store was emptied', async () => {
    const time = new VirtualTime();
    const store = new WaywardStore(time);
    const { roster, told } = await rosterOver(store);
    for (const name of ['a', 'b']) await roster.put(nodeOf({ name }), CLAIM);
    await store.put(nodeOf({ name: 'other' }), ELSEWHERE);
    store.away = true;
    await roster.put(nodeOf({ name: 'a' }), CLAIM);
    store.empty();
    store.away = false;
    await pass(time, 5000);
    expect([roster.stale, names(roster)]).toEqual([false, ['a', 'b', 'other']]);
    await roster.put(nodeOf({ name: 'a' }), CLAIM);
    await store.put(nodeOf({ name: 'other' }), ELSEWHERE);
    await pass(time, 9000);
    expect(names(roster)).toEqual(['a', 'b', 'other']);
    await pass(time, 1500);
    expect(told).toEqual(['a standing', 'b standing', 'other standing', '-b']);
    expect((await store.list()).map(({ name }) => name).sort()).toEqual(['a', 'other']);
  });

  it('brings nobody back who left while the store was away', async () => {
    const time = new VirtualTime();
    const store = new WaywardStore(time);
    const { roster, told } = await rosterOver(store);
    for (const name of ['a', 'b']) await roster.put(nodeOf({ name }), CLAIM);
    store.away = true;
    await roster.remove('a', 'here');
    await roster.remove('b', 'here');
    await roster.put(nodeOf({ name: 'b' }), { ...CLAIM, holder: 'again' });
    store.away = false;
    await pass(time, 3000);
    expect(told).toEqual(['a standing', 'b standing', '-a', '-b', 'b standing']);
    expect((await store.list()).map(({ name }) => name)).toEqual(['b']);
  });

  it('passes on that a name is taken or the cluster is full, and bounds what it takes by itself', async () => {
    const store = new WaywardStore(new VirtualTime());
    const { roster } = await rosterOver(store, { maxNodes: 1 });
    await store.put(nodeOf({ name: 'a' }), ELSEWHERE);
    const late = { holder: 'here', takesOver: false };
    await expect(roster.put(nodeOf({ name: 'a' }), late)).rejects.toMatchObject({ code: 'replaced' });
    expect(roster.stale).toBe(false);
    store.away = true;
    await expect(roster.put(nodeOf({ name: 'b' }), CLAIM)).rejects.toMatchObject({ code: 'full' });
    expect(await roster.put(nodeOf({ name: 'a' }), late)).toBe(false);
  });

  it('is ready when the store is, and asks it no more often than it should', async () => {
    const time = new VirtualTime();
    const store = new WaywardStore(time);
    store.away = true;
    const { roster } = await rosterOver(store);
    expect([roster.ready, roster.stale]).toEqual([false, true]);
    for (let i = 0; i < 60; i++) {
      store.tell({ type: 'lost' });
      await pass(time, 1000);
    }
    expect(store.reads).toBeGreaterThan(25);
    expect(store.reads).toBeLessThan(70);
    await store.inner.put(nodeOf({ name: 'a' }), ELSEWHERE);
    store.away = false;
    await pass(time, 2000);
    await roster.whenReady();
    expect([roster.stale, names(roster)]).toEqual([false, ['a']]);
  });

  it('is what the store is in the end, whatever happens while it reads and writes', async () => {
    const action = fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      diskUsed: fc.integer({ min: 1, max: 3 }),
      do: fc.constantFrom(
        'put',
        'put here',
        'remove',
        'remove here',
        'put unheard',
        'remove unheard',
        'settle',
        'away',
        'back',
        'empty',
      ),
      during: fc.boolean(),
    });
    type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40, size: 'max' }), async (actions) => {
        const time = new VirtualTime();
        const store = new WaywardStore(time);
        const { roster } = await rosterOver(store);
        const ledger = new Map<string, number>();
        roster.follow((change) => {
          if (change.type === 'gone') expect(ledger.delete(change.name)).toBe(true);
          else ledger.set(change.node.name, change.node.diskUsed);
        });
        const act = async ({ do: what, name, diskUsed }: Action): Promise<void> => {
          const node = nodeOf({ name, diskUsed });
          const lease = { ...ELSEWHERE, goodFor: 600_000 };
          if (what === 'put here') await roster.put(node, CLAIM);
          else if (what === 'remove here') await roster.remove(name, 'here');
          else if (what === 'settle') await settle();
          else if (what === 'away') store.away = true;
          else if (what === 'back') store.away = false;
          else if (what === 'empty') store.empty();
          else {
            store.deaf = what.endsWith('unheard');
            const done = what.startsWith('put')
              ? store.inner.put(node, lease)
              : store.inner.remove(name, 'elsewhere');
            store.deaf = false;
            await done;
          }
          // That something was not heard is known at once, as it is from the next number.
          if (what.endsWith('unheard') || what === 'back' || what === 'empty') store.tell({ type: 'lost' });
        };
        const during = actions.filter((one) => one.during);
        store.meanwhile = async () => {
          const next = during.shift();
          if (next !== undefined) await act(next);
        };
        for (const one of actions) if (!one.during) await act(one);
        store.meanwhile = async () => {};
        store.away = false;
        store.tell({ type: 'lost' });
        await pass(time, 40_000);
        const truth = new Map((await store.list()).map((node) => [node.name, node.diskUsed]));
        expect(new Map([...roster.nodes()].map((node) => [node.name, node.diskUsed]))).toEqual(truth);
        for (const [name, diskUsed] of ledger) expect(roster.get(name)?.diskUsed).toBe(diskUsed);
        roster.close();
        await store.inner.close();
      }),
      { numRuns: 300 },
    );
  });
});
