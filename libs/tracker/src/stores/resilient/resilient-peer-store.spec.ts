import { type LogFields, SeededRandom, silentLogger } from '@pixtorrent/core';
import { VirtualTime } from '@pixtorrent/testkit';
import { afterEach, expect, it } from 'vitest';
import { PeerStoreError } from '../../errors.ts';
import { MemoryPeerStore } from '../memory-peer-store.ts';
import type { Heard, PeerSelection, SharedPeerStore } from '../peer-store.ts';
import { announceOf, HASH, hostsOf, storedOf } from '../suite/announces.ts';
import { ResilientPeerStore, type ResilientPeerStoreOptions } from './resilient-peer-store.ts';

const TIME_TO_LIVE = 60_000;
const DEADLINE = 200;
/** Milliseconds within which the shared store is looked for again. */
const LOOK = 800;

type Call = 'announce' | 'restore' | 'scrape' | 'epoch';

/** Memory that others share, and that can go away, hang or lose what it had. */
class SharedMemory {
  mode: 'there' | 'gone' | 'hangs' = 'there';
  /** What it does before each call. */
  before: (call: Call) => void = () => {};
  /** Milliseconds by which it takes what it is told at second hand for younger. */
  guess = 0;
  /** Peers that it was told at second hand. */
  told: string[] = [];
  readonly #make: () => MemoryPeerStore;
  #life = 1;
  memory: MemoryPeerStore;

  constructor(make: () => MemoryPeerStore) {
    this.#make = make;
    this.memory = make();
  }

  empty(): void {
    this.memory = this.#make();
    this.#life++;
  }

  get store(): SharedPeerStore {
    const ask = async <T>(call: Call, work: () => Promise<T>): Promise<T> => {
      this.before(call);
      if (this.mode === 'gone') throw new PeerStoreError('store-unavailable', 'it is gone');
      if (this.mode === 'hangs') return new Promise(() => {});
      return work();
    };
    return {
      announce: (announce) => ask('announce', () => this.memory.announce(announce)),
      restore: (peers) =>
        ask('restore', () => {
          this.told.push(...peers.map(({ role, address }) => `${role} ${address[3]}`));
          return this.memory.restore(peers.map((peer) => ({ ...peer, age: peer.age - this.guess })));
        }),
      scrape: (hashes) => ask('scrape', () => this.memory.scrape(hashes)),
      figures: (hashes) => ask('scrape', () => this.memory.figures(hashes)),
      swarms: (after, limit) => ask('scrape', () => this.memory.swarms(after, limit)),
      totals: () => ask('scrape', () => this.memory.totals()),
      watch: (hash, listener) => this.memory.watch(hash, listener),
      epoch: () => ask('epoch', async () => `life ${this.#life}`),
      close: () => this.memory.close(),
    };
  }
}

const stores: ResilientPeerStore[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

async function setUp(
  options: ResilientPeerStoreOptions & { start?: SharedMemory['mode']; maxPeers?: number } = {},
) {
  const time = new VirtualTime();
  const random = new SeededRandom(3);
  const memory = (limits: { maxPeers?: number } = {}) =>
    new MemoryPeerStore(
      { clock: time, wallClock: time, timers: time, random },
      { timeToLive: TIME_TO_LIVE, ...limits },
    );
  const shared = new SharedMemory(memory);
  shared.mode = options.start ?? 'there';
  const lines: { message: string; fields: LogFields }[] = [];
  const note = (message: string, fields: LogFields = {}) => void lines.push({ message, fields });
  const logger = { ...silentLogger, info: note, warn: note, error: note };
  const dependencies = {
    shared: shared.store,
    own: memory(options),
    clock: time,
    timers: time,
    random,
    logger,
  };
  const store = new ResilientPeerStore(dependencies, options);
  stores.push(store);
  const advance = async (milliseconds: number) => {
    const end = time.now() + milliseconds;
    while (time.now() < end) {
      time.run({ until: Math.min(end, time.now() + 10) });
      await new Promise(setImmediate);
    }
  };
  const started = store.start();
  await advance(LOOK);
  await started;
  return { store, shared, advance, lines };
}

function handed(selection: PeerSelection): number[] {
  return hostsOf(selection)
    .map((host) => Number(host.split('.')[3]))
    .sort((a, b) => a - b);
}

it('asks the shared store as long as that answers', async () => {
  const { store, shared } = await setUp();
  await shared.memory.announce(announceOf({ peer: 9 }));
  const selection = await store.announce(announceOf({ peer: 1 }));
  expect(handed(selection)).toEqual([9]);
  expect(selection.partial).toBeFalsy();
  expect(await store.scrape([HASH])).toEqual([{ seeders: 0, leechers: 2, completed: 0 }]);
  expect(store.state).toEqual({ type: 'connected' });
  expect(store.resilience).toMatchObject({ answeredAlone: 0, outages: 0 });
});

it('answers from memory when the deadline passes, and from then on at once', async () => {
  const { store, shared, advance, lines } = await setUp();
  await store.announce(announceOf({ peer: 1 }));
  shared.mode = 'hangs';
  const answers: number[][] = [];
  const announce = (peer: number) =>
    store.announce(announceOf({ peer })).then((selection) => answers.push(handed(selection)));
  void announce(2);
  await advance(DEADLINE - 10);
  expect(answers).toEqual([]);
  await advance(20);
  expect(answers).toEqual([[1]]);
  await announce(3);
  expect(answers).toEqual([[1], [1, 2]]);
  expect(await store.announce(announceOf({ peer: 3 }))).toMatchObject({ leechers: 3, partial: true });
  expect((await store.scrape([HASH]))[0]).toMatchObject({ leechers: 3 });
  expect((await store.swarms(undefined, 10)).length + (await store.figures([HASH])).length).toBe(2);
  expect(await store.totals()).toMatchObject({ swarms: 1, leechers: 3 });
  expect(store.state).toMatchObject({ type: 'away', reason: expect.stringContaining('in time') });
  expect(store.resilience).toMatchObject({ answeredAlone: 3, outages: 1 });
  await advance(5000);
  expect(store.resilience.outages).toBe(1);
  expect(lines.filter(({ message }) => message.includes('away'))).toHaveLength(1);
});

it('answers from memory at once when the shared store fails', async () => {
  const { store, shared } = await setUp();
  await store.announce(announceOf({ peer: 1, role: 'seed' }));
  shared.mode = 'gone';
  expect(handed(await store.announce(announceOf({ peer: 2 })))).toEqual([1]);
  expect(store.state).toMatchObject({ type: 'away', reason: 'it is gone' });
});

it('needs no room of its own as long as the shared store answers', async () => {
  const { store, shared } = await setUp({ maxPeers: 1 });
  for (const peer of [1, 2]) await store.announce(announceOf({ peer }));
  await store.restore([storedOf({ peer: 3 }, 0)]);
  expect((await store.announce(announceOf({ peer: 4 }))).leechers).toBe(4);
  shared.mode = 'gone';
  await expect(store.announce(announceOf({ peer: 5 }))).rejects.toMatchObject({ code: 'full' });
  await expect(store.restore([storedOf({ peer: 6 }, 0)])).rejects.toMatchObject({ code: 'full' });
});

it('does not take a fault for an outage', async () => {
  const { store, shared } = await setUp();
  shared.before = () => {
    throw new TypeError('a fault');
  };
  await expect(store.announce(announceOf({ peer: 1 }))).rejects.toThrow('a fault');
  expect(store.state.type).toBe('connected');
});

it('tells the shared store, when it is back, what happened meanwhile and no more', async () => {
  const { store, shared, advance } = await setUp();
  for (const peer of [1, 2, 3]) await store.announce(announceOf({ peer }));
  await shared.memory.announce(announceOf({ peer: 9 }));
  await store.announce(announceOf({ peer: 4 }));
  await store.announce(announceOf({ peer: 4, role: 'gone' }));
  await advance(10_000);
  shared.mode = 'gone';
  await store.announce(announceOf({ peer: 1, role: 'gone' }));
  await store.announce(announceOf({ peer: 2, role: 'seed', completed: true }));
  await store.announce(announceOf({ peer: 5 }));
  await store.restore([storedOf({ peer: 9, role: 'gone' }, 0)]);
  await advance(3000);
  shared.mode = 'there';
  await advance(LOOK);
  expect(store.state.type).toBe('connected');
  expect(shared.told.sort()).toEqual(['gone 1', 'gone 9', 'leecher 5', 'seed 2']);
  expect(await shared.memory.scrape([HASH])).toEqual([{ seeders: 1, leechers: 2, completed: 0 }]);
  expect(handed(await store.announce(announceOf({ peer: 6 })))).toEqual([2, 3, 5]);
  expect(store.resilience.restored).toBe(4);
});

it('tells how long ago each peer was heard of, so that nobody stays longer for it', async () => {
  const { store, shared, advance } = await setUp();
  shared.mode = 'gone';
  await store.announce(announceOf({ peer: 1 }));
  await advance(TIME_TO_LIVE / 2);
  shared.mode = 'there';
  await advance(LOOK);
  expect((await shared.memory.scrape([HASH]))[0]).toMatchObject({ leechers: 1 });
  await advance(TIME_TO_LIVE / 2);
  expect(await shared.memory.scrape([HASH])).toEqual([undefined]);
});

it('tells one that was emptied everything, though no call failed', async () => {
  const { store, shared, advance, lines } = await setUp();
  for (let peer = 0; peer < 600; peer++) await store.announce(announceOf({ peer, numWant: 0 }));
  await store.announce(announceOf({ peer: 0, role: 'gone' }));
  await advance(20_000);
  shared.empty();
  await advance(LOOK);
  expect(await shared.memory.scrape([HASH])).toEqual([{ seeders: 0, leechers: 599, completed: 0 }]);
  expect(shared.told).toContain('gone 0');
  expect(lines.at(-1)).toMatchObject({ fields: { emptied: true } });
  expect(store.resilience.outages).toBe(0);
});

it('owes nothing less when the shared store goes again while it is told', async () => {
  const { store, shared, advance } = await setUp();
  shared.mode = 'gone';
  for (let peer = 0; peer < 900; peer++) await store.announce(announceOf({ peer, numWant: 0 }));
  await advance(10_000);
  shared.mode = 'there';
  let restores = 0;
  shared.before = (call) => {
    if (call === 'restore' && ++restores === 2) shared.mode = 'gone';
  };
  await advance(LOOK);
  expect(store.state.type).toBe('away');
  await advance(10_000);
  shared.mode = 'there';
  await advance(LOOK);
  expect(store.state.type).toBe('connected');
  expect((await shared.memory.scrape([HASH]))[0]).toMatchObject({ leechers: 900 });
});

it('has whoever leaves while it is told leave, though it was told that they are there', async () => {
  const { store, shared, advance } = await setUp();
  for (let peer = 0; peer < 300; peer++) await store.announce(announceOf({ peer, numWant: 0 }));
  shared.empty();
  const leaving: Promise<unknown>[] = [];
  shared.before = (call) => {
    if (call !== 'restore') return;
    shared.before = () => {};
    // It is in the first batch, which the shared store has not taken yet.
    leaving.push(store.announce(announceOf({ peer: 0, role: 'gone' })));
  };
  await advance(LOOK);
  await Promise.all(leaving);
  expect(leaving).toHaveLength(1);
  expect((await shared.memory.scrape([HASH]))[0]).toMatchObject({ leechers: 299 });
});

it('lets go of who left by what the shared store has heard of him, where it has', async () => {
  const { store, shared, advance } = await setUp();
  const gone = (peer: number, heard: Heard, age: number) => ({
    ...storedOf({ peer, role: 'gone' }, age),
    heard,
  });
  const { heard } = await store.announce(announceOf({ peer: 1 }));
  const [kept] = await store.restore([storedOf({ peer: 2 }, 0)]);
  await advance(10);
  // By another replica.
  for (const peer of [1, 2]) await shared.memory.announce(announceOf({ peer }));
  await store.restore([gone(1, heard, 0), gone(2, kept, 0)]);
  expect(await store.scrape([HASH])).toEqual([{ seeders: 0, leechers: 2, completed: 0 }]);
  shared.mode = 'gone';
  await store.restore([gone(1, heard, 0)]);
  const alone = await store.announce(announceOf({ peer: 3 }));
  expect([alone.heard, ...(await store.restore([storedOf({ peer: 4 }, 0)]))]).toEqual([undefined, undefined]);
  shared.mode = 'there';
  shared.guess = 50;
  await advance(LOOK);
  expect(await store.scrape([HASH])).toEqual([{ seeders: 0, leechers: 4, completed: 0 }]);
  shared.guess = 0;
  await store.restore([gone(3, undefined, LOOK), gone(4, undefined, LOOK)]);
  expect(handed(await store.announce(announceOf({ peer: 5 })))).toEqual([1, 2]);
});

it('starts without it, and lets it know when it comes', async () => {
  const { store, shared, advance } = await setUp({ start: 'gone' });
  expect(store.state).toMatchObject({ type: 'away', reason: 'not reached yet' });
  await store.announce(announceOf({ peer: 1 }));
  expect(handed(await store.announce(announceOf({ peer: 2 })))).toEqual([1]);
  shared.mode = 'there';
  await advance(LOOK);
  expect(store.state.type).toBe('connected');
  expect((await shared.memory.scrape([HASH]))[0]).toMatchObject({ leechers: 2 });
  expect(store.resilience).toMatchObject({ outages: 0, answeredAlone: 2 });
});

it('tells who comes by this replica at once, and once', async () => {
  const { store, shared } = await setUp();
  const heard: string[] = [];
  store.watch(HASH, ({ type, address, seed }) => heard.push(`${type} ${address[3]}${seed ? 's' : ''}`));
  // Who is there already has come by another replica.
  await shared.memory.announce(announceOf({ peer: 1 }));
  shared.mode = 'hangs';
  void store.announce(announceOf({ peer: 1 }));
  void store.announce(announceOf({ peer: 2 }));
  void store.announce(announceOf({ peer: 2, role: 'seed' }));
  expect(heard).toEqual(['joined 1', 'joined 2', 'joined 2s']);
  shared.mode = 'there';
  await store.announce(announceOf({ peer: 2, role: 'seed' }));
  await store.announce(announceOf({ peer: 2, role: 'gone' }));
  await store.announce(announceOf({ peer: 2 }));
  const told = ['joined 1', 'joined 2', 'joined 2s', 'left 2s', 'joined 2'];
  expect(heard).toEqual(told);
  // It is there by another replica too.
  const { heard: last } = await store.announce(announceOf({ peer: 3 }));
  await shared.memory.announce(announceOf({ peer: 3 }));
  await store.restore([{ ...storedOf({ peer: 3, role: 'gone' }, 0), heard: last! - 1 }]);
  expect(heard).toEqual([...told, 'joined 3']);
});

it('tells what comes by this replica in an outage, and all along what the shared store still tells', async () => {
  const { store, shared, advance } = await setUp();
  const heard: number[] = [];
  const end = store.watch(HASH, ({ address }) => heard.push(address[3]!));
  await shared.memory.announce(announceOf({ peer: 1 }));
  await store.announce(announceOf({ peer: 2 }));
  shared.mode = 'gone';
  await store.announce(announceOf({ peer: 3 }));
  await store.announce(announceOf({ peer: 4 }));
  await shared.memory.announce(announceOf({ peer: 5 }));
  expect(heard).toEqual([1, 2, 3, 4, 5]);
  shared.mode = 'there';
  await advance(LOOK);
  heard.length = 0;
  await shared.memory.announce(announceOf({ peer: 6 }));
  end();
  await shared.memory.announce(announceOf({ peer: 7 }));
  expect(heard).toEqual([6]);
});

it('remembers no more departures than it may', async () => {
  const { store, shared, advance } = await setUp({ maxDepartures: 2 });
  shared.mode = 'gone';
  for (const peer of [1, 2, 3]) await store.announce(announceOf({ peer, role: 'gone' }));
  expect(store.resilience.departures).toBe(2);
  shared.mode = 'there';
  await advance(LOOK);
  expect(shared.told).toEqual(['gone 2', 'gone 3']);
});

it('answers nothing any more when it is closed', async () => {
  const { store, shared, advance } = await setUp();
  let calls = 0;
  await store.close();
  shared.before = () => void calls++;
  await expect(store.announce(announceOf({ peer: 1 }))).rejects.toMatchObject({ code: 'store-unavailable' });
  await advance(5000);
  expect(calls).toBeLessThanOrEqual(1);
});
