import { type InfoHash, type Logger, SeededRandom, silentLogger } from '@pixtorrent/core';
import { ManualTimers } from '@pixtorrent/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { torrentOf } from '../catalog-store.suite.ts';
import type { CatalogChange, CatalogEntry, CatalogQuery, RemovedVersion } from '../catalog-store.ts';
import { draftOf } from '../draft/draft-of.ts';
import { CatalogError } from '../errors.ts';
import { MemoryCatalogStore } from '../stores/memory-catalog-store.ts';
import {
  CachedCatalog,
  type CachedCatalogDependencies,
  type CachedCatalogOptions,
} from './cached-catalog.ts';
import type { CopyChange } from './copy.ts';

/** A store whose reads and changes can be held up, lost or refused on their way. */
class WaywardStore {
  inner = new MemoryCatalogStore({ wallClock: { now: () => 5 } });
  away = false;
  deaf = false;
  /** Called in the middle of each read, when its page, or which were removed, has been taken. */
  meanwhile: () => Promise<void> = async () => {};
  /** Questions, of both kinds. */
  reads = 0;
  #listener: (change: CatalogChange) => void = () => {};

  async list(query: CatalogQuery): Promise<CatalogEntry[]> {
    this.reads++;
    if (this.away) throw new CatalogError('unavailable', 'away');
    const page = await this.inner.list(query);
    await this.meanwhile();
    return page;
  }

  async wereRemoved(versions: readonly RemovedVersion[]): Promise<boolean[]> {
    this.reads++;
    const answer = await this.inner.wereRemoved(versions);
    await this.meanwhile();
    return answer;
  }

  watch(listener: (change: CatalogChange) => void): () => void {
    this.#listener = listener;
    return this.inner.watch((change) => {
      if (!this.deaf) listener(change);
    });
  }

  tell(change: CatalogChange): void {
    this.#listener(change);
  }

  lose(): void {
    this.tell({ type: 'lost' });
  }

  publish(name: string, content = 1, isPrivate = false): Promise<CatalogEntry> {
    return this.inner.publish(draftOf({ name, torrent: torrentOf({ content, private: isPrivate }) }));
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

function copyOf(
  store: CachedCatalogDependencies['store'],
  options: CachedCatalogOptions = {},
  logger: Logger = silentLogger,
) {
  const timers = new ManualTimers();
  const copy = new CachedCatalog({ store, timers, random: new SeededRandom(3), logger }, options);
  return { copy, timers };
}

function names(copy: CachedCatalog): string[] {
  return [...copy.entries()].map(({ entry }) => `${entry.name}@${entry.version}`).sort();
}

async function truth(store: WaywardStore): Promise<string[]> {
  const all = await store.inner.list({ allVersions: true, limit: 1000 });
  return all.map(({ name, version }) => `${name}@${version}`).sort();
}

describe('CachedCatalog', () => {
  it('knows a torrent for as long as any version of any name has it', async () => {
    const store = new WaywardStore();
    const { infoHash } = await store.publish('a', 1, true);
    await store.publish('a', 2);
    await store.publish('b', 1, true);
    const { copy } = copyOf(store);
    expect([copy.ready, copy.stale, copy.has(infoHash)]).toEqual([false, true, undefined]);
    await copy.whenReady();
    expect([copy.ready, copy.stale, copy.size]).toEqual([true, false, 3]);
    expect(copy.has(infoHash)).toEqual({ private: true });
    await store.inner.remove('a');
    expect(copy.has(infoHash)).toEqual({ private: true });
    await store.inner.remove('b');
    expect(copy.has(infoHash)).toBeUndefined();
    expect(copy.has(new Uint8Array(20) as InfoHash)).toBeUndefined();
    const { infoHash: other } = await store.publish('c', 3);
    expect(copy.has(other)).toEqual({ private: false });
    copy.close();
    await store.publish('d', 4);
    expect(names(copy)).toEqual(['c@1']);
  });

  it('starts while the store is away, tries ever more rarely, and says so once', async () => {
    const store = new WaywardStore();
    store.away = true;
    const lines: string[] = [];
    const log = (message: string) => lines.push(message);
    const logger: Logger = { ...silentLogger, warn: log, info: log };
    const { copy, timers } = copyOf(store, { shortestPause: 100, longestPause: 1000 }, logger);
    await settle();
    for (let i = 0; i < 6; i++) {
      timers.pass();
      await settle();
    }
    const longest = [100, 200, 400, 800, 1000, 1000, 1000];
    expect(timers.delays).toHaveLength(7);
    for (const [i, delay] of timers.delays.entries()) {
      expect(delay).toBeLessThanOrEqual(longest[i]!);
      expect(delay).toBeGreaterThan(longest[i]! / 2 - 1);
    }
    // What is told is believed meanwhile, and it is not ready for all that.
    const { infoHash } = await store.publish('a');
    expect([copy.has(infoHash), copy.ready]).toEqual([{ private: false }, false]);
    store.away = false;
    timers.pass();
    await settle();
    expect([copy.ready, copy.stale]).toEqual([true, false]);
    expect(lines).toEqual(['the catalogue cannot be read', 'the catalogue is readable again']);
    expect(timers.waiting).toBe(false);
  });

  it('finds out by reading what it was not told, and tells its followers just that', async () => {
    const store = new WaywardStore();
    await store.publish('a');
    await store.publish('b');
    const { copy } = copyOf(store);
    await copy.whenReady();
    const told: string[] = [];
    const stop = copy.follow((change: CopyChange) => told.push(`${change.type} ${change.entry.name}`));
    store.deaf = true;
    await store.inner.remove('a');
    await store.publish('c');
    store.deaf = false;
    store.lose();
    await settle();
    expect(told.sort()).toEqual(['published c', 'removed a']);
    expect(names(copy)).toEqual(await truth(store));
    stop();
    await store.publish('d');
    expect(told).toHaveLength(2);
  });

  it('tells what was lost from what was removed, and what came back in the place of another', async () => {
    const store = new WaywardStore();
    for (const name of ['kept', 'lost', 'removed', 'again']) await store.publish(name);
    const { copy } = copyOf(store);
    await copy.whenReady();
    const told: string[] = [];
    copy.follow(({ type, entry }) => told.push(`${type} ${entry.name}@${entry.published}`));
    const [again, kept, , removed] = await store.inner.list({ limit: 4 });
    store.inner = new MemoryCatalogStore({ wallClock: { now: () => 9 } });
    await store.inner.restore({ ...draftOf({ name: 'kept', torrent: torrentOf({ content: 1 }) }), ...kept! });
    await store.inner.restoreRemoval(removed!);
    await store.publish('again', 2);
    store.lose();
    await settle();
    expect(told.sort()).toEqual(['lost again@5', 'lost lost@5', 'published again@9', 'removed removed@5']);
    expect(copy.has(again!.infoHash)).toBeDefined();
    // A removal of something that has the number of what is known, and is another.
    told.length = 0;
    store.tell({ type: 'removed', entry: { ...kept!, published: 6 } });
    expect([told, names(copy)]).toEqual([[], ['again@1', 'kept@1']]);
  });

  it('keeps what comes back while it finds out how that went', async () => {
    const store = new WaywardStore();
    const given = { ...draftOf({ name: 'a', torrent: torrentOf({ content: 1 }) }), version: 1, published: 5 };
    await store.inner.restore(given);
    const { copy } = copyOf(store);
    await copy.whenReady();
    store.inner = new MemoryCatalogStore({ wallClock: { now: () => 9 } });
    store.meanwhile = async () => {
      store.meanwhile = async () => {
        await store.inner.restore(given);
        store.tell({ type: 'published', entry: (await store.inner.get('a'))!.entry });
      };
    };
    store.lose();
    await settle();
    expect(names(copy)).toEqual(['a@1']);
  });

  it('stays readable when reading again fails, and reads when it can', async () => {
    const store = new WaywardStore();
    const { infoHash } = await store.publish('a');
    const { copy, timers } = copyOf(store);
    await copy.whenReady();
    store.away = true;
    store.deaf = true;
    store.lose();
    await settle();
    await store.inner.remove('a');
    expect([copy.ready, copy.stale, copy.has(infoHash)]).toEqual([true, true, { private: false }]);
    store.away = false;
    timers.pass();
    await settle();
    expect([copy.stale, copy.has(infoHash)]).toEqual([false, undefined]);
  });

  it('keeps no more than it may, says so, and finds the rest when there is room', async () => {
    const store = new WaywardStore();
    for (const name of ['a', 'b', 'c']) await store.publish(name);
    const { copy, timers } = copyOf(store, { maxEntries: 3, pageSize: 2 });
    await copy.whenReady();
    expect([copy.complete, copy.size]).toEqual([true, 3]);
    const left: string[] = [];
    copy.follow((change) => {
      if (change.type === 'left-out') left.push(change.entry.name);
    });
    await store.publish('d');
    expect([copy.complete, copy.size, left]).toEqual([false, 3, ['d']]);
    timers.pass();
    await settle();
    expect([copy.complete, names(copy)]).toEqual([false, ['a@1', 'b@1', 'c@1']]);
    await store.inner.remove('a');
    timers.pass();
    await settle();
    expect([copy.complete, names(copy)]).toEqual([true, ['b@1', 'c@1', 'd@1']]);
  });

  it('is what the store is in the end, whatever happens while it reads', async () => {
    const action = fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      content: fc.integer({ min: 1, max: 3 }),
      do: fc.constantFrom('publish', 'remove', 'publish unheard', 'remove unheard', 'settle'),
      during: fc.boolean(),
    });
    const question = fc.record({
      allVersions: fc.boolean(),
      after: fc.option(
        fc.record({
          name: fc.constantFrom('', 'a', 'b', 'bb', 'f'),
          version: fc.integer({ min: 0, max: 4 }),
        }),
        { nil: undefined },
      ),
      limit: fc.integer({ min: 1, max: 5 }),
    });
    type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60, size: 'max' }), question, async (actions, asked) => {
        const store = new WaywardStore();
        for (const name of ['a', 'c', 'e']) await store.publish(name);
        const act = async ({ do: what, name, content }: Action): Promise<void> => {
          if (what === 'settle') return void (await settle());
          const unheard = what.endsWith('unheard');
          store.deaf = unheard;
          // It is done, and told, when the call returns.
          const done = what.startsWith('publish') ? store.publish(name, content) : store.inner.remove(name);
          store.deaf = false;
          // That something was not heard is known at once, as it is from the next number.
          if (unheard) store.lose();
          await done;
        };
        const during = actions.filter((one) => one.during);
        store.meanwhile = async () => {
          const next = during.shift();
          if (next !== undefined) await act(next);
        };
        const { copy } = copyOf(store, { pageSize: 2 });
        const ledger = new Set<string>();
        copy.follow((change) => {
          const key = `${change.entry.name}@${change.entry.version}`;
          expect(ledger.has(key)).toBe(change.type === 'removed');
          if (change.type === 'removed') ledger.delete(key);
          else ledger.add(key);
        });
        for (const one of actions) if (!one.during) await act(one);
        await copy.whenReady();
        for (let before = -1; before !== store.reads; ) {
          before = store.reads;
          for (let i = 0; i < 3; i++) await settle();
        }
        expect(names(copy)).toEqual(await truth(store));
        expect([...ledger].sort()).toEqual(names(copy));
        const { after, ...rest } = asked;
        const query = { ...rest, ...(after && { after }) };
        expect(copy.list(query)).toEqual(await store.inner.list(query));
        copy.close();
      }),
      { numRuns: 1000 },
    );
  });
});
