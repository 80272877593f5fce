import { FILE_SYSTEM } from '@pixtorrent/client';
import {
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
import { Agreement } from './agreement.ts';
import { Links } from './links.ts';
import type { Plan } from './plan.ts';
import { type EntriesByTorrent, Planner, type PlannerDependencies, UNWANTED_GRACE } from './planner.ts';
import { byTorrent } from './wanted.ts';

export interface ReplicatorDependencies extends PlannerDependencies {
  readonly catalogue: Catalogue;
  readonly torrents: Torrents;
  readonly entries: Entries;
  readonly folder: ContentFolder;
  readonly timers: Timers;
  readonly logger: Logger;
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

/**
 * Brings what is here in line with the catalogue: takes what this node should hold, deletes what was removed, lets go
 * of what is in the way, and tells a catalogue that has lost its data what it was.
 */
export class Replicator {
  readonly #deps: ReplicatorDependencies;
  readonly #links: Links;
  readonly #agreement: Agreement;
  readonly #planner: Planner;
  /** What does not work at the moment. */
  readonly #failing = new Set<string>();
  readonly #unlisten: (() => void)[] = [];
  #timer: Timer | undefined;
  /** Milliseconds that it was set to. */
  #delay = 0;
  #running = Promise.resolve();
  #started = false;
  #paused = false;
  #closed = false;
  #waiting = 0;
  #evicted = 0;

  constructor(dependencies: ReplicatorDependencies) {
    this.#deps = dependencies;
    this.#links = new Links(dependencies.folder);
    this.#agreement = new Agreement(dependencies);
    this.#planner = new Planner(dependencies);
    const { catalogue, cluster, torrents } = dependencies;
    const soon = (): void => this.#soon(GATHER);
    const removed = (entry: GoneEntry): void => {
      this.#agreement.removed(entry);
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
    return { waiting: this.#waiting, evicted: this.#evicted, restored: this.#agreement.restored };
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
      const { evict, take } = this.#planner.plan(
        this.#alive(),
        new Map([['', { size: bytes, published: 0 }]]),
      );
      await this.#evict(evict);
      return take.length === 0 ? undefined : this.#planner.reserve(bytes);
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
      const { evict, take } = this.#planner.plan(entries, asked);
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
    await this.#attempt('what was removed', () => this.#agreement.forgetRemoved());
    await this.#attempt('what the catalogue lost', async () => {
      if (await this.#agreement.restoreLost()) this.#soon(GATHER);
    });
    const entries = this.#alive();
    await this.#attempt('records', () => this.#keepRecords(entries));
    if (!this.#paused) {
      await this.#attempt('what is to be whole', () => this.#completeWanted(entries));
      await this.#attempt('what is to be here', () => this.#carryOut(this.#planner.plan(entries), entries));
    }
    const { catalogue, torrents } = this.#deps;
    await this.#attempt('links', () =>
      this.#links.update(catalogue.entries.values(), torrents, catalogue.current),
    );
    if (this.#waiting > 0 || this.#planner.hasUnwanted) this.#soon(UNWANTED_GRACE);
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

  async #keepRecords(entries: EntriesByTorrent): Promise<void> {
    for (const { metainfo } of this.#deps.torrents.all())
      for (const entry of entries.get(toHex(metainfo.infoHash)) ?? []) await this.#deps.entries.keep(entry);
  }

  /** What is only got as it is read, and is to be here by now, is got whole. */
  async #completeWanted(entries: EntriesByTorrent): Promise<void> {
    const { torrents } = this.#deps;
    const partial = [...torrents.all()].filter((kept) => kept.partial);
    if (partial.length === 0) return;
    const wanted = this.#planner.wanted();
    for (const { metainfo, pinned } of partial) {
      const own = entries.get(toHex(metainfo.infoHash)) ?? [];
      if (pinned || own.some((entry) => wanted.here(entry))) await torrents.wantAll(metainfo.infoHash);
    }
  }

  async #carryOut({ evict, take, waiting }: Plan, entries: EntriesByTorrent): Promise<void> {
    const { logger } = this.#deps;
    if (waiting.length > 0 && waiting.length !== this.#waiting)
      logger.warn('no room for what should be here', { torrents: waiting.length });
    this.#waiting = waiting.length;
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
      this.#evicted++;
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
      if (error instanceof MetainfoError) this.#planner.unusable(toHex(infoHash));
      throw error;
    }
  }
}
