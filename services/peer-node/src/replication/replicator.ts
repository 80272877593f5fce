import { FILE_SYSTEM } from '@pixtorrent/client';
import type { cluster } from '@pixtorrent/contracts';
import {
  type Clock,
  infoHashFromHex,
  type Logger,
  PixError,
  printable,
  type Timer,
  type Timers,
  toHex,
} from '@pixtorrent/core';
import { type Metainfo, MetainfoError, parseMetainfo } from '@pixtorrent/metainfo';
import type { ContentFolder } from '../content/content-folder.ts';
import type { Entries } from '../content/entries.ts';
import { entryKey, type KnownEntry } from '../content/entry-record.ts';
import type { Torrents } from '../torrents/torrents.ts';
import type { Catalogue, GoneEntry } from '../tracker/catalogue.ts';
import type { ClusterView } from '../tracker/cluster-view.ts';
import { Links } from './links.ts';
import { type Held, type Missing, type Plan, plan } from './plan.ts';
import { byTorrent, Wanted } from './wanted.ts';

export interface ReplicatorDependencies {
  readonly catalogue: Catalogue;
  readonly cluster: ClusterView;
  readonly torrents: Torrents;
  readonly entries: Entries;
  readonly folder: ContentFolder;
  readonly timers: Timers;
  readonly wallClock: Clock;
  readonly logger: Logger;
  /** This node as it is now. */
  readonly node: () => cluster.Node;
  /** Bytes of content that may be here. */
  readonly budget: () => number;
}

/** For metrics and for who asks. */
export interface ReplicatorFigures {
  /** Torrents that should be here and for which there is no room. */
  readonly waiting: number;
  /** Torrents that were let go of to make room, so far. */
  readonly evicted: number;
  /** Entries told to a catalogue that had lost them, so far. */
  readonly restored: number;
}

/** - `no-room`: nothing that is here can go for it - `leaving`: this node takes nothing any more */
export type ReplicatorErrorCode = 'no-room' | 'leaving';
export class ReplicatorError extends PixError<ReplicatorErrorCode> {}

/** Milliseconds over which changes are gathered. */
const GATHER = 100;
/** Milliseconds after which it is looked again where something did not work. */
const RETRY = 5000;
/** Milliseconds for which a torrent is kept after it is not wanted here any more: news of others may be late. */
const UNWANTED_GRACE = 60_000;

/**
 * Brings what is here in line with the catalogue: takes what this node should hold, deletes what was removed, lets go
 * of what is in the way, and tells a catalogue that has lost its data what it was.
 */
export class Replicator {
  readonly #deps: ReplicatorDependencies;
  readonly #links: Links;
  readonly #gone: GoneEntry[] = [];
  /** By info hash: since when the torrent is not wanted here. */
  readonly #unwantedSince = new Map<string, number>();
  /** Info hashes of torrents that cannot be used here. */
  readonly #unusable = new Set<string>();
  /** What does not work at the moment. */
  readonly #failing = new Set<string>();
  readonly #unlisten: (() => void)[] = [];
  #timer: Timer | undefined;
  /** Milliseconds that it was set to. */
  #delay = 0;
  #running = Promise.resolve();
  /** Bytes that are kept free for what comes. */
  #reserved = 0;
  #started = false;
  #paused = false;
  #closed = false;
  #figures: ReplicatorFigures = { waiting: 0, evicted: 0, restored: 0 };

  constructor(dependencies: ReplicatorDependencies) {
    this.#deps = dependencies;
    this.#links = new Links(dependencies.folder);
    const { catalogue, cluster, torrents } = dependencies;
    const soon = (): void => this.#soon(GATHER);
    const removed = (entry: GoneEntry): void => {
      this.#gone.push(entry);
      soon();
    };
    catalogue.on('changed', soon).on('removed', removed);
    cluster.on('changed', soon);
    torrents.on('changed', soon);
    this.#unlisten.push(() => {
      catalogue.off('changed', soon).off('removed', removed);
      cluster.off('changed', soon);
      torrents.off('changed', soon);
    });
  }

  /** Begins; everything that is on the disk has to be known. */
  start(): void {
    this.#started = true;
    this.#soon(GATHER);
  }

  get figures(): ReplicatorFigures {
    return this.#figures;
  }

  /**
   * Lets go of what can go, so that so many bytes more may be here.
   * @returns whether there is room now
   */
  async makeRoom(bytes: number): Promise<boolean> {
    const giveBack = await this.reserve(bytes);
    giveBack?.();
    return giveBack !== undefined;
  }

  /**
   * Likewise, and keeps them free for content that comes.
   * @returns what gives them back; undefined where there is no room
   */
  async reserve(bytes: number): Promise<(() => void) | undefined> {
    if (this.#paused || this.#closed) return undefined;
    return this.#inTurn(async () => {
      const { evict, take } = this.#planFor(this.#alive(), new Map([['', { size: bytes, published: 0 }]]));
      await this.#evict(evict);
      if (take.length === 0) return undefined;
      let held = bytes;
      this.#reserved += held;
      return () => {
        this.#reserved -= held;
        held = 0;
      };
    });
  }

  /**
   * Takes a torrent that need not be here, for somebody who reads it: it stays until its room is needed. Nothing where
   * it is here.
   * @throws ReplicatorError; the system's error where the disk refuses
   */
  fetch(entry: KnownEntry, torrent: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#closed || this.#paused) throw new ReplicatorError('leaving', 'this node is about to leave');
      if (this.#deps.torrents.get(entry.infoHash) !== undefined) return;
      const key = toHex(entry.infoHash);
      const entries = this.#alive();
      const own = entries.get(key);
      // It was removed meanwhile.
      if (own === undefined) return;
      const asked = new Map([[key, { size: entry.size, published: entry.published }]]);
      const { evict, take } = this.#planFor(entries, asked);
      if (take.length === 0)
        throw new ReplicatorError(
          'no-room',
          `the disk budget of this node has no room for ${entry.size} bytes`,
        );
      await this.#evict(evict);
      await this.#take(own, torrent);
    });
  }

  /** Nothing more is taken or let go of: the node drains. */
  pause(): void {
    this.#paused = true;
  }

  /** Fulfilled when what is under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    for (const unlisten of this.#unlisten) unlisten();
    await this.#running;
  }

  /** Does what changes what is here, after all that was begun before. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#running.then(work);
    this.#running = turn.then(
      () => {},
      () => {},
    );
    return turn;
  }

  #soon(delay: number): void {
    if (!this.#started || this.#closed || (this.#timer !== undefined && delay >= this.#delay)) return;
    this.#timer?.cancel();
    this.#delay = delay;
    this.#timer = this.#deps.timers.after(delay, () => {
      this.#timer = undefined;
      this.#running = this.#running.then(() => this.#reconcile());
    });
  }

  async #reconcile(): Promise<void> {
    if (this.#closed) return;
    await this.#attempt('what was removed', () => this.#forgetRemoved());
    await this.#attempt('what the catalogue lost', () => this.#restoreLost());
    const entries = this.#alive();
    await this.#attempt('records', () => this.#keepRecords(entries));
    if (!this.#paused) {
      await this.#attempt('what is to be whole', () => this.#completeWanted(entries));
      await this.#attempt('what is to be here', () => this.#carryOut(this.#planFor(entries), entries));
    }
    const { catalogue, torrents } = this.#deps;
    await this.#attempt('links', () =>
      this.#links.update(catalogue.entries.values(), torrents, catalogue.current),
    );
    if (this.#figures.waiting > 0 || this.#unwantedSince.size > 0) this.#soon(UNWANTED_GRACE);
  }

  /** What does not work keeps nothing else from being done; it is tried again, and told once. */
  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#failing.delete(what);
    } catch (error) {
      if (!this.#failing.has(what))
        this.#deps.logger.warn('the catalogue could not be followed', {
          what,
          reason: printable(String(error), 500),
        });
      this.#failing.add(what);
      this.#soon(RETRY);
    }
  }

  /** By info hash what the catalogue has, without what is known to be removed: it only does not know it yet. */
  #alive(): Map<string, KnownEntry[]> {
    const { catalogue, entries } = this.#deps;
    return byTorrent([...catalogue.entries.values()].filter((entry) => !entries.isRemoved(entry)));
  }

  /** What somebody removed goes, its content too, unless another entry has the same torrent. */
  async #forgetRemoved(): Promise<void> {
    const { entries, catalogue, torrents } = this.#deps;
    let done = 0;
    try {
      for (; done < this.#gone.length; done++) await entries.remove(this.#gone[done]!);
    } finally {
      this.#gone.splice(0, done);
    }
    if (!catalogue.current) return;
    const alive = new Set(
      [...catalogue.entries.values(), ...entries.live()].map(({ infoHash }) => toHex(infoHash)),
    );
    for (const { infoHash, name } of entries.removed()) {
      const kept = torrents.get(infoHash);
      if (kept === undefined || kept.pinned || alive.has(toHex(infoHash))) continue;
      this.#deps.logger.info('removed from the catalogue', { name, infoHash: toHex(infoHash) });
      await torrents.remove(infoHash);
    }
  }

  /** What is on this disk, and not in the catalogue although nobody removed it; and what is there, although somebody did. */
  async #restoreLost(): Promise<void> {
    const { entries, catalogue, torrents } = this.#deps;
    if (!catalogue.current) return;
    const lost = [...entries.live()].flatMap((entry) => {
      const kept = torrents.get(entry.infoHash);
      return kept === undefined || catalogue.entries.has(entryKey(entry))
        ? []
        : [{ entry, torrent: kept.torrent }];
    });
    const isBack = [...catalogue.entries.values()].some((entry) => entries.isRemoved(entry));
    if (lost.length === 0 && !isBack) return;
    const refused = await catalogue.restore(lost, [...entries.removed()]);
    const restored = lost.length - refused.length;
    this.#deps.logger.warn('told the catalogue what it had lost', {
      restored,
      refused: refused.length,
      removed: isBack,
    });
    this.#figures = { ...this.#figures, restored: this.#figures.restored + restored };
    this.#gone.push(...refused);
    if (refused.length > 0) this.#soon(GATHER);
  }

  async #keepRecords(entries: ReadonlyMap<string, readonly KnownEntry[]>): Promise<void> {
    for (const { metainfo } of this.#deps.torrents.all())
      for (const entry of entries.get(toHex(metainfo.infoHash)) ?? []) await this.#deps.entries.keep(entry);
  }

  /** What is only got as it is read, and is to be here by now, is got whole. */
  async #completeWanted(entries: ReadonlyMap<string, readonly KnownEntry[]>): Promise<void> {
    const { torrents } = this.#deps;
    const partial = [...torrents.all()].filter((kept) => kept.partial);
    if (partial.length === 0) return;
    const wanted = this.#wanted();
    for (const { metainfo, pinned } of partial) {
      const own = entries.get(toHex(metainfo.infoHash)) ?? [];
      if (pinned || own.some((entry) => wanted.here(entry))) await torrents.wantAll(metainfo.infoHash);
    }
  }

  #wanted(): Wanted {
    const self = this.#deps.node();
    return new Wanted(self.name, new Map(this.#deps.cluster.nodes).set(self.name, self));
  }

  /** @param asked what is to be here; what the catalogue wants where it is missing */
  #planFor(entries: ReadonlyMap<string, readonly KnownEntry[]>, asked?: ReadonlyMap<string, Missing>): Plan {
    const { cluster, torrents, budget, wallClock } = this.#deps;
    const wanted = this.#wanted();
    const now = wallClock.now();
    const held = new Map<string, Held>();
    for (const { metainfo, lastUsed, pinned } of torrents.all()) {
      const key = toHex(metainfo.infoHash);
      const own = entries.get(key) ?? [];
      const here = pinned || own.length === 0 || own.some((entry) => wanted.here(entry));
      if (here) this.#unwantedSince.delete(key);
      else if (!this.#unwantedSince.has(key)) this.#unwantedSince.set(key, now);
      const patient = now - (this.#unwantedSince.get(key) ?? now) < UNWANTED_GRACE;
      const elsewhere = !here && !patient && cluster.settled && wanted.spareHere(metainfo.infoHash, own);
      held.set(key, { size: metainfo.length, lastUsed, wanted: here, elsewhere });
    }
    for (const key of this.#unwantedSince.keys()) if (!held.has(key)) this.#unwantedSince.delete(key);
    for (const key of this.#unusable) if (!entries.has(key)) this.#unusable.delete(key);
    const room = budget() - this.#reserved;
    if (asked !== undefined) return plan(held, asked, room);
    const missing = new Map<string, Missing>();
    for (const [key, own] of entries) {
      if (held.has(key) || this.#unusable.has(key)) continue;
      const first = own.find((entry) => wanted.here(entry));
      if (first !== undefined) missing.set(key, { size: first.size, published: first.published });
    }
    return plan(held, missing, room);
  }

  async #carryOut(
    { evict, take, waiting }: Plan,
    entries: ReadonlyMap<string, readonly KnownEntry[]>,
  ): Promise<void> {
    const { logger } = this.#deps;
    if (waiting.length > 0 && waiting.length !== this.#figures.waiting)
      logger.warn('no room for what should be here', { torrents: waiting.length });
    this.#figures = { ...this.#figures, waiting: waiting.length };
    await this.#evict(evict);
    let failure: Error | undefined;
    for (const key of take) {
      if (this.#closed || this.#paused) return;
      const own = entries.get(key)!;
      try {
        await this.#take(own);
      } catch (error) {
        failure ??= new Error(`${entryKey(own[0]!)}: ${(error as Error).message}`, { cause: error });
      }
    }
    if (failure !== undefined) throw failure;
  }

  async #evict(evict: readonly string[]): Promise<void> {
    const { torrents, logger } = this.#deps;
    for (const key of evict) {
      const infoHash = infoHashFromHex(key);
      const kept = torrents.get(infoHash);
      if (kept === undefined) continue;
      logger.info('makes room', { name: printable(kept.metainfo.name), infoHash: key });
      await torrents.remove(infoHash);
      this.#figures = { ...this.#figures, evicted: this.#figures.evicted + 1 };
    }
  }

  /** @param read the torrent, where it is for somebody who reads some of it */
  async #take(entries: readonly KnownEntry[], read?: Uint8Array): Promise<void> {
    const { catalogue, torrents, entries: records, logger } = this.#deps;
    const entry = entries[0]!;
    const torrent = read ?? (await catalogue.torrentOf(entry));
    if (torrent === undefined || torrents.get(entry.infoHash) !== undefined) return;
    const metainfo = this.#parse(entry, torrent);
    logger.info('takes', { name: entryKey(entry), infoHash: toHex(entry.infoHash), bytes: entry.size });
    const keep = async (): Promise<void> => {
      for (const one of entries) await records.keep(one);
    };
    // First the record: a torrent without one would not be told to a catalogue that loses it.
    if (read === undefined) await keep();
    await torrents.add(torrent, metainfo, { pinned: false, partial: read !== undefined });
    // Where somebody waits, afterwards; what fails of it is tried again with the records of all that is here.
    if (read !== undefined) void this.#inTurn(keep).catch(() => this.#soon(GATHER));
  }

  /** @throws MetainfoError where it cannot be used here: it is not asked for again */
  #parse({ infoHash }: KnownEntry, torrent: Uint8Array): Metainfo {
    try {
      return parseMetainfo(torrent, { fileSystem: FILE_SYSTEM });
    } catch (error) {
      if (error instanceof MetainfoError) this.#unusable.add(toHex(infoHash));
      throw error;
    }
  }
}
