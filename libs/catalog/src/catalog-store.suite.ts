import { toHex } from '@pixtorrent/core';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { CatalogLimits } from './catalog-limits.ts';
import type {
  CatalogChange,
  CatalogEntry,
  CatalogStore,
  Labels,
  LostEntry,
  RemovedVersion,
  Replicas,
} from './catalog-store.ts';
import { type DraftInput, draftOf } from './draft/draft-of.ts';
import { type EntryPlace, orderKey } from './entry-order.ts';
import { CatalogError } from './errors.ts';

/** Two stores over one catalogue, which is empty: of two processes, or the same one twice where it has only one. */
export type MakeCatalogStores = (limits: CatalogLimits) => Promise<readonly [CatalogStore, CatalogStore]>;

/** What every store does; each implementation runs it. */
export function catalogStoreSuite(name: string, make: MakeCatalogStores, { numRuns = 200 } = {}): void {
  const setUp = async (limits: CatalogLimits = {}) => {
    const stores = await make(limits);
    onTestFinished(async () => {
      for (const store of stores) await store.close();
    });
    return stores;
  };

  describe(`${name} as a catalogue store`, () => {
    it('does what a naive model does, whatever is published, removed and read by two of them', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 80, size: 'max' }), async (steps) => {
          const stores = await make({ maxVersions: 3, maxNames: 4 });
          const model = new Model(3, 4);
          for (const one of steps) await model.check(one, stores[one.store]!);
          await model.checkAll(stores[0]);
          for (const store of stores) await store.close();
        }),
        { numRuns },
      );
    });

    it('keeps everything that an entry says, and the bytes of its torrent', async () => {
      const [one, other] = await setUp();
      const torrent = torrentOf({ content: 7, private: true, padding: 5 * 2 ** 20 });
      const labels = { zone: 'eu/1', __proto__: 'x', ключ: 'значение \n"', empty: '', '7': 'seven' };
      const draft = draftOf({ name: 'models/llama-3', torrent, replicas: 3, labels });
      const entry = await one.publish(draft);
      expect(entry).toEqual({
        name: 'models/llama-3',
        version: 1,
        infoHash: draft.infoHash,
        size: 7,
        private: true,
        replicas: 3,
        labels,
        published: expect.any(Number),
      });
      const got = await other.get('models/llama-3');
      expect(got!.entry).toEqual(entry);
      expect(Buffer.compare(got!.torrent, torrent)).toBe(0);
      expect(await other.list({ limit: 10 })).toEqual([entry]);
    });

    it('gives concurrent publishers of one name numbers of their own, and one number for the same', async () => {
      const stores = await setUp();
      const publish = (i: number, content: number) => stores[i % 2]!.publish(draft({ content }));
      const different = await Promise.all(Array.from({ length: 50 }, (_, i) => publish(i, i)));
      expect(different.map(({ version }) => version).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 50 }, (_, i) => i + 1),
      );
      const same = await Promise.all(Array.from({ length: 50 }, (_, i) => publish(i, 1000)));
      expect(new Set(same.map(({ version }) => version))).toEqual(new Set([51]));
    });

    it('has the version before as its newest when the newest is removed', async () => {
      const [store, other] = await setUp();
      for (const content of [1, 2, 3]) await store.publish(draft({ content }));
      await other.remove('a', 3);
      expect((await store.get('a'))!.entry.version).toBe(2);
      expect((await store.list({ limit: 5 })).map(({ version }) => version)).toEqual([2]);
      expect((await store.publish(draft({ content: 2 }))).version).toBe(2);
      await store.remove('a', 1);
      expect((await store.get('a'))!.entry.version).toBe(2);
      expect((await store.publish(draft({ content: 3 }))).version).toBe(4);
      expect((await store.remove('a')).map(({ version }) => version)).toEqual([2, 4]);
      expect(await store.list({ limit: 5 })).toEqual([]);
    });

    it('never uses a number again, even after it has forgotten that there was such a name', async () => {
      const [store] = await setUp({ maxRemoved: 2 });
      const publish = async (of: string) => (await store.publish(draft({ name: of }))).version;
      for (let i = 1; i <= 5; i++) {
        expect(await publish('a')).toBe(i);
        await store.remove('a');
      }
      expect(await publish('b')).toBe(1);
      await publish('back');
      await store.remove('back');
      expect(await publish('back')).toBe(2);
      for (const other of ['c', 'd', 'e']) {
        await publish(other);
        await store.remove(other);
      }
      // It is forgotten, by which all that is new begins above it.
      expect(await publish('z')).toBeGreaterThan(5);
      expect(await publish('a')).toBeGreaterThan(5);
      expect((await store.publish(draft({ name: 'b', content: 2 }))).version).toBe(2);
      expect((await store.publish(draft({ name: 'back', content: 2 }))).version).toBe(3);
    });

    it('refuses what goes past its bounds, and has room again when something is removed', async () => {
      const bytes = torrentOf({ content: 1 }).length;
      const [store] = await setUp({ maxNames: 2, maxVersions: 2, maxTorrentBytes: 3 * bytes });
      const full = async (of: Partial<DraftOptions>, message: RegExp) => {
        const error = await store.publish(draft(of)).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(CatalogError);
        expect(error).toMatchObject({ code: 'full', message: expect.stringMatching(message) });
      };
      await store.publish(draft({ name: 'a', content: 1 }));
      await store.publish(draft({ name: 'a', content: 2 }));
      await full({ name: 'a', content: 3 }, /a has as many versions.*remove old/);
      // What is there already needs no room.
      expect((await store.publish(draft({ name: 'a', content: 2 }))).version).toBe(2);
      await store.publish(draft({ name: 'b', content: 1 }));
      await full({ name: 'c', content: 1 }, /more names/);
      await full({ name: 'b', content: 2 }, /more torrents/);
      await store.remove('a', 1);
      expect((await store.publish(draft({ name: 'b', content: 2 }))).version).toBe(2);
      await store.remove('a');
      await store.publish(draft({ name: 'c', content: 1 }));
    });

    it('pages through everything once, whatever is added meanwhile', async () => {
      const [one, other] = await setUp();
      const names = Array.from({ length: 60 }, (_, i) => `n${(i * 7919) % 1000}/${'-_.'[i % 3]}x`);
      for (const of of names) await one.publish(draft({ name: of }));
      for (const allVersions of [false, true]) {
        const seen: CatalogEntry[] = [];
        for (let page = 0; ; page++) {
          const after = seen.at(-1);
          const next = await one.list({ limit: 7, allVersions, ...(after && { after }) });
          seen.push(...next);
          if (next.length < 7) break;
          // Before, after and at the place where the reader is.
          const add = [`a${page}`, `z${page}`, seen.at(-1)!.name, names[page]!];
          for (const of of add) await other.publish(draft({ name: of, content: 100 + page + +allVersions }));
        }
        const keys = seen.map((entry) => entry.name + (allVersions ? `@${entry.version}` : ''));
        expect(new Set(keys).size).toBe(keys.length);
        expect([...seen].sort(inOrder)).toEqual(seen);
        const found = new Set(seen.map((entry) => entry.name));
        expect(names.filter((of) => !found.has(of))).toEqual([]);
      }
    });

    it('finds by labels, all of them, however far apart they are', async () => {
      const [store] = await setUp();
      for (let i = 0; i < 1300; i++) {
        const labels: Labels = i % 650 === 7 ? { kind: 'rare', i: String(i) } : { kind: 'usual' };
        await store.publish(draft({ name: `n${String(i).padStart(4, '0')}`, labels }));
      }
      const namesOf = async (labels: Labels) =>
        (await store.list({ labels, limit: 5 })).map((one) => one.name);
      expect(await namesOf({ kind: 'rare' })).toEqual(['n0007', 'n0657']);
      expect(await namesOf({ kind: 'rare', i: '657' })).toEqual(['n0657']);
      expect(await namesOf({ kind: 'rare', toString: 'x' })).toEqual([]);
      expect(await namesOf({ kind: 'usual' })).toEqual(['n0000', 'n0001', 'n0002', 'n0003', 'n0004']);
      expect(await store.list({ limit: 5000 })).toHaveLength(1000);
    });

    it('tells each change to whoever watches, in order, and nobody who has stopped', async () => {
      const [one, other] = await setUp();
      const heard: string[][] = [[], []];
      const quiet = vi.fn();
      one.watch(quiet)();
      // That some may have been missed may be told at any time, and says nothing of those that are told.
      const hear = (sentences: string[]) => (change: CatalogChange) => {
        if (change.type !== 'lost') sentences.push(sentence(change));
      };
      const settled = await watching(one, hear(heard[0]!));
      const settledToo = await watching(other, hear(heard[1]!));
      heard.forEach((sentences) => {
        sentences.length = 0;
      });
      const expected: string[] = [];
      for (let i = 0; i < 30; i++) {
        const { name: of, version } = await [one, other][i % 2]!.publish(
          draft({ name: `n${i % 3}`, content: i }),
        );
        expected.push(`published ${of}@${version}`);
        if (i % 4 === 3) {
          const gone = await [other, one][i % 2]!.remove(of);
          expected.push(...gone.map((entry) => `removed ${entry.name}@${entry.version}`));
        }
      }
      await vi.waitFor(() => expect(heard).toEqual([expected, expected]), PATIENCE);
      settled();
      settledToo();
      await one.publish(draft({ name: 'unheard' }));
      await watching(other, () => {});
      expect(heard).toEqual([expected, expected]);
      expect(quiet).not.toHaveBeenCalled();
    });

    it('puts back what was lost, as it was, and goes on from there', async () => {
      const [store, other] = await setUp();
      const labels = { kind: 'model' };
      for (const version of [2, 5, 4]) {
        const given = { ...lost({ version, content: version, labels }), published: 1000 + version };
        expect(await store.restore(given)).toBe(true);
        const { entry, torrent } = (await other.get('a', version))!;
        expect({ ...entry, torrent: Buffer.from(torrent) }).toEqual(given);
      }
      expect((await other.list({ allVersions: true, limit: 9 })).map(({ version }) => version)).toEqual([
        2, 4, 5,
      ]);
      expect((await store.get('a'))!.entry.version).toBe(5);
      expect((await store.publish(draft({ content: 6 }))).version).toBe(6);
      expect((await store.publish(draft({ content: 7 }), 9)).version).toBe(10);
      expect((await store.publish(draft({ content: 8 }), 3)).version).toBe(11);
      expect((await store.publish(draft({ content: 8 }), 50)).version).toBe(11);
    });

    it('keeps away what was removed, whoever brings it back and whoever knew', async () => {
      const [store, other] = await setUp();
      const first = await store.publish(draft({ content: 1 }));
      const second = await store.publish(draft({ content: 2 }));
      expect(second.published).toBeGreaterThan(first.published);
      await store.remove('a', 2);
      expect(await other.restore({ ...lost({ content: 2 }), ...second })).toBe(false);
      expect(await other.wereRemoved([first, second])).toEqual([false, true]);
      // Of another name and of an earlier time: removed when the catalogue was another.
      const gone = { name: 'b', version: 7, published: 2000 };
      expect(await store.restore(lost(gone))).toBe(true);
      await store.restoreRemoval(gone);
      expect(await other.get('b')).toBeUndefined();
      expect(await other.restore(lost(gone))).toBe(false);
      expect(await other.restore(lost({ ...gone, published: 1999 }))).toBe(false);
      const all = await other.removals(0, 10);
      expect(all.map(({ name: of, version }) => `${of}@${version}`)).toEqual(['a@2', 'b@7']);
      expect(await store.removals(all[0]!.rank, 10)).toEqual([all[1]]);
      expect(await store.removals(0, 1)).toEqual([all[0]]);
      expect((await store.publish(draft({ name: 'b' }))).version).toBe(8);
      // What has the number of something that was removed, but was published later, is no such thing.
      expect(await store.restore(lost({ name: 'c', version: 1, published: 3000 }))).toBe(true);
      await store.restoreRemoval({ name: 'c', version: 1, published: 2999 });
      expect((await other.get('c'))!.entry.published).toBe(3000);
    });

    it('has what was published last as the newest, in whatever order it comes back', async () => {
      const old = { version: 5, published: 1000 };
      const later = { version: 1, published: 2000 };
      for (const order of [
        [old, later],
        [later, old],
      ]) {
        const [store] = await setUp();
        for (const one of order) await store.restore(lost({ ...one, content: one.version }));
        const all = await store.list({ allVersions: true, limit: 9 });
        expect(all.map(({ version, published }) => ({ version, published }))).toEqual([later]);
        expect((await store.publish(draft({ content: 9 }))).version).toBe(6);
      }
    });

    it('forgets first what was removed first', async () => {
      const [store] = await setUp({ maxRemoved: 2 });
      const entries: CatalogEntry[] = [];
      for (const content of [1, 2, 3]) entries.push(await store.publish(draft({ content })));
      for (const version of [2, 1, 3]) await store.remove('a', version);
      expect(await store.wereRemoved(entries)).toEqual([true, false, true]);
      expect((await store.removals(0, 10)).map(({ version }) => version)).toEqual([1, 3]);
    });

    it('puts nothing back for which there is no room', async () => {
      const bytes = torrentOf({ content: 1 }).length;
      const [store] = await setUp({ maxNames: 1, maxVersions: 1, maxTorrentBytes: bytes });
      const full = { code: 'full' };
      expect(await store.restore(lost({ version: 5, published: 1000 }))).toBe(true);
      await expect(store.restore(lost({ version: 6, published: 1001 }))).rejects.toMatchObject(full);
      await expect(store.restore(lost({ name: 'b' }))).rejects.toMatchObject(full);
      // What takes the place of another needs no more.
      expect(await store.restore(lost({ version: 4, published: 1002 }))).toBe(true);
      expect((await store.list({ allVersions: true, limit: 9 })).map(({ version }) => version)).toEqual([4]);
    });

    it('does nothing more once it is closed', async () => {
      const [store] = await setUp();
      const heard = vi.fn();
      store.watch(heard);
      await store.close();
      heard.mockClear();
      const isClosed = { code: 'closed' };
      await expect(store.publish(draft())).rejects.toMatchObject(isClosed);
      await expect(store.get('a')).rejects.toMatchObject(isClosed);
      await expect(store.list({ limit: 1 })).rejects.toMatchObject(isClosed);
      await expect(store.remove('a')).rejects.toMatchObject(isClosed);
      await expect(store.restore(lost())).rejects.toMatchObject(isClosed);
      await expect(store.restoreRemoval(lost())).rejects.toMatchObject(isClosed);
      await expect(store.removals(0, 1)).rejects.toMatchObject(isClosed);
      await expect(store.wereRemoved([lost()])).rejects.toMatchObject(isClosed);
      expect(heard).not.toHaveBeenCalled();
    });
  });
}

/** Fulfilled when changes are told: seen by one that is made for it. @returns what ends it */
async function watching(store: CatalogStore, listener: (change: CatalogChange) => void): Promise<() => void> {
  let told = false;
  const stop = store.watch((change) => {
    if (change.type !== 'lost' && change.entry.name === 'probe') told = true;
    else listener(change);
  });
  await vi.waitFor(async () => {
    await store.publish(draft({ name: 'probe' }));
    await store.remove('probe');
    await vi.waitFor(() => expect(told).toBe(true), { timeout: 1000, interval: 5 });
  }, PATIENCE);
  return stop;
}

function sentence(change: CatalogChange): string {
  return change.type === 'lost' ? 'lost' : `${change.type} ${change.entry.name}@${change.entry.version}`;
}

function inOrder(a: CatalogEntry, b: CatalogEntry): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.version - b.version;
}

export interface TorrentShape {
  /** Bytes of content, and what makes it another torrent. */
  readonly content: number;
  readonly private?: boolean;
  /** Bytes that the torrent file is longer. */
  readonly padding?: number;
}

/** A torrent file that is as small as can be, unless it is padded. */
export function torrentOf({ content, private: isPrivate = false, padding = 0 }: TorrentShape): Buffer {
  const digest = Buffer.alloc(20, content % 251);
  const secret = isPrivate ? '7:privatei1e' : '';
  const info = [
    `d6:lengthi${Math.max(1, content)}e4:name1:x12:piece lengthi16777216e6:pieces20:`,
    digest,
    `${secret}e`,
  ];
  const rest = padding > 0 ? [`7:padding${padding}:`, Buffer.alloc(padding, 'p')] : [];
  return Buffer.concat(['d4:info', ...info, ...rest, 'e'].map((part) => Buffer.from(part)));
}

interface DraftOptions extends Omit<DraftInput, 'torrent'> {
  readonly content: number;
}

function draft({ name = 'a', content = 1, ...rest }: Partial<DraftOptions> = {}) {
  return draftOf({ name, torrent: torrentOf({ content }), ...rest });
}

type LostOptions = Partial<DraftOptions & Pick<LostEntry, 'version' | 'published'>>;

function lost({ version = 1, published = 1000, ...rest }: LostOptions = {}): LostEntry {
  return { ...draft(rest), version, published };
}

const PATIENCE = { timeout: 20_000, interval: 10 };
const NAMES = ['a', 'a-b', 'a.b', 'a/b', 'b', 'b0'];
const LABELS: readonly Labels[] = [{}, { x: '1' }, { x: '1', y: '2' }];
const versionChoice = fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined });

const step = fc.record({
  store: fc.constantFrom(0, 1),
  // Two come often, so that they have many versions.
  name: fc.oneof(fc.constantFrom('a', 'a-b'), fc.constantFrom(...NAMES)),
  action: fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('publish' as const),
        content: fc.integer({ min: 1, max: 3 }),
        replicas: fc.constantFrom<Replicas>('all', 2),
        labels: fc.constantFrom(...LABELS),
        after: fc.constantFrom(0, 0, 0, 1, 5),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constantFrom('restore' as const, 'restore' as const, 'restore removal' as const),
        content: fc.integer({ min: 1, max: 3 }),
        version: fc.integer({ min: 1, max: 5 }),
        // Of which that there was, and how much later or earlier.
        of: fc.nat(20),
        later: fc.constantFrom(-1, 0, 0, 1),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), version: versionChoice }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('get' as const), version: versionChoice }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('list' as const),
        labels: fc.constantFrom(...LABELS),
        allVersions: fc.boolean(),
        after: versionChoice,
        limit: fc.integer({ min: 1, max: 5 }),
      }),
    },
  ),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Lost = Pick<
  Extract<Step['action'], { do: 'restore' | 'restore removal' }>,
  'content' | 'version' | 'of' | 'later'
>;

/** A catalogue as one would write it down: one list. */
class Model {
  readonly #maxVersions: number;
  readonly #maxNames: number;
  readonly #last = new Map<string, number>();
  /** By order key, in the order in which they became known. */
  readonly #removed = new Map<string, number>();
  /** When everything that there ever was had been published. */
  readonly #times: number[] = [1000];
  #entries: CatalogEntry[] = [];

  constructor(maxVersions: number, maxNames: number) {
    this.#maxVersions = maxVersions;
    this.#maxNames = maxNames;
  }

  async check({ name, action }: Step, store: CatalogStore): Promise<void> {
    switch (action.do) {
      case 'publish': {
        const wanted = draft({ ...action, name });
        const newest = this.#of(name).at(-1);
        const says = (entry: Pick<CatalogEntry, 'infoHash' | 'replicas' | 'labels'>) =>
          JSON.stringify([toHex(entry.infoHash), entry.replicas, entry.labels]);
        if (newest !== undefined && says(newest) === says(wanted)) {
          expect(await store.publish(wanted, action.after)).toEqual(newest);
          return;
        }
        const isNew = newest === undefined;
        const names = new Set(this.#entries.map((entry) => entry.name)).size;
        if (isNew ? names >= this.#maxNames : this.#of(name).length >= this.#maxVersions) {
          await expect(store.publish(wanted, action.after)).rejects.toMatchObject({ code: 'full' });
          return;
        }
        const entry = await store.publish(wanted, action.after);
        const version = Math.max(this.#last.get(name) ?? 0, action.after) + 1;
        expect(entry).toMatchObject({ name, version, replicas: action.replicas, labels: action.labels });
        expect(entry.published).toBeGreaterThan(newest?.published ?? 0);
        this.#add(entry);
        return;
      }
      case 'restore': {
        const { torrent, ...entry } = this.#lost(name, action);
        const { version, published } = entry;
        const others = this.#of(name);
        const going = others.filter((one) => one.version >= version && one.published < published);
        const restored = store.restore({ ...entry, torrent });
        if ((this.#removed.get(orderKey(entry)) ?? -1) >= published) expect(await restored).toBe(false);
        else if (others.some((one) => one.version === version && one.published === published))
          expect(await restored).toBe(true);
        else if (others.some((one) => one.version <= version && one.published > published)) {
          expect(await restored).toBe(false);
          this.#note(entry);
          this.#used(entry);
        } else if (
          others.length === 0
            ? new Set(this.#entries.map((one) => one.name)).size >= this.#maxNames
            : others.length - going.length >= this.#maxVersions
        )
          await expect(restored).rejects.toMatchObject({ code: 'full' });
        else {
          expect(await restored).toBe(true);
          this.#remove(going);
          this.#add(entry);
        }
        return;
      }
      case 'restore removal': {
        const entry = this.#lost(name, action);
        await store.restoreRemoval(entry);
        this.#note(entry);
        this.#used(entry);
        this.#remove(
          this.#of(name).filter((one) => one.version === entry.version && one.published <= entry.published),
        );
        return;
      }
      case 'remove': {
        const goes = (entry: CatalogEntry) => entry.name === name && isVersion(entry, action.version);
        const gone = this.#entries.filter(goes);
        expect(await store.remove(name, action.version)).toEqual(gone);
        this.#remove(gone);
        return;
      }
      case 'get': {
        const expected = this.#of(name).findLast((entry) => isVersion(entry, action.version));
        expect((await store.get(name, action.version))?.entry).toEqual(expected);
        return;
      }
      case 'list': {
        const { labels, allVersions, after, limit } = action;
        const expected = this.#entries.filter((entry) => {
          if (!allVersions && this.#of(entry.name).at(-1) !== entry) return false;
          if (Object.entries(labels).some(([key, value]) => entry.labels[key] !== value)) return false;
          if (after === undefined || entry.name > name) return true;
          return allVersions && entry.name === name && entry.version > after;
        });
        const place = after === undefined ? {} : { after: { name, version: after } };
        const listed = await store.list({ labels, allVersions, limit, ...place });
        expect(listed).toEqual(expected.slice(0, limit));
      }
    }
  }

  async checkAll(store: CatalogStore): Promise<void> {
    expect(await store.list({ allVersions: true, limit: 1000 })).toEqual(this.#entries);
    const removed = await store.removals(0, 1000);
    expect(removed.map((one) => [orderKey(one), one.published])).toEqual([...this.#removed]);
  }

  #lost(name: string, { content, version, of, later }: Lost): LostEntry {
    const published = this.#times[of % this.#times.length]! + later;
    return lost({ name, content, version, published });
  }

  #add(entry: CatalogEntry): void {
    this.#used(entry);
    this.#times.push(entry.published);
    this.#entries.push(entry);
    this.#entries.sort(inOrder);
  }

  #used({ name, version }: EntryPlace): void {
    this.#last.set(name, Math.max(this.#last.get(name) ?? 0, version));
  }

  #remove(gone: readonly CatalogEntry[]): void {
    for (const entry of gone) this.#note(entry);
    this.#entries = this.#entries.filter((entry) => !gone.includes(entry));
  }

  #note(entry: RemovedVersion): void {
    const key = orderKey(entry);
    if ((this.#removed.get(key) ?? -1) >= entry.published) return;
    this.#removed.delete(key);
    this.#removed.set(key, entry.published);
  }

  #of(name: string): CatalogEntry[] {
    return this.#entries.filter((entry) => entry.name === name);
  }
}

function isVersion(entry: CatalogEntry, version: number | undefined): boolean {
  return version === undefined || entry.version === version;
}
