import { EventEmitter } from 'node:events';
import { type Client, FILE_SYSTEM, type TorrentSession } from '@pixtorrent/client';
import {
  type Clock,
  type InfoHash,
  type Logger,
  PixError,
  printable,
  type Timer,
  type Timers,
  toHex,
} from '@pixtorrent/core';
import { type Metainfo, parseMetainfo } from '@pixtorrent/metainfo';
import { Turns } from '@pixtorrent/node-io';
import type { ContentFolder } from '../content/content-folder.ts';
import { type KeptTorrent, sessionOf, type TorrentCondition } from './kept-torrent.ts';

export interface TorrentsDependencies {
  readonly client: Pick<Client, 'download' | 'remove'>;
  readonly folder: ContentFolder;
  readonly timers: Timers;
  readonly wallClock: Clock;
  readonly logger: Logger;
}

export interface TorrentsOptions {
  /** Trackers beside those in the torrents. */
  readonly trackers: readonly string[];
  /**
   * Torrents whose content is checked at the same time.
   * @default 2
   */
  readonly checks?: number;
  /**
   * Milliseconds after which a torrent that failed is tried again.
   * @default 30,000
   */
  readonly retryAfter?: number;
}

export interface TorrentsEvents {
  /** A torrent has come, has changed its condition, or has gone. */
  changed: [infoHash: InfoHash];
  complete: [torrent: KeptTorrent];
}

/** - `known`: it is here already - `unknown`: it is not here - `closed`: the node is about to end */
export type TorrentsErrorCode = 'known' | 'unknown' | 'closed';
export class TorrentsError extends PixError<TorrentsErrorCode> {}

/** Milliseconds of use that are not taken down on the disk again. */
const TOUCH_PERIOD = 60_000;

/**
 * The torrents of this node: each is on the disk and in a session of the client. What is done with one of them is done
 * in turn; what fails is tried again.
 */
export class Torrents extends EventEmitter<TorrentsEvents> {
  readonly #deps: TorrentsDependencies;
  readonly #options: Required<TorrentsOptions>;
  readonly #kept = new Map<string, KeptTorrent>();
  readonly #turns = new Turns<string>();
  /** Ends the check of a torrent's content that is under way or about to begin. */
  readonly #checks = new Map<string, AbortController>();
  readonly #retries = new Map<string, Timer>();
  readonly #queue: (() => void)[] = [];
  readonly #closing = new AbortController();
  #checking = 0;

  constructor(dependencies: TorrentsDependencies, options: TorrentsOptions) {
    super();
    // Each who waits for a torrent listens.
    this.setMaxListeners(0);
    this.#deps = dependencies;
    this.#options = { checks: 2, retryAfter: 30_000, ...options };
  }

  /** Takes up what is on the disk; fulfilled when all of it is known, while the content is still looked at. */
  async open(): Promise<void> {
    for await (const { infoHash, torrent, lastUsed, pinned, partial } of this.#deps.folder.torrents()) {
      const metainfo = this.#parse(infoHash, torrent);
      if (metainfo === undefined) continue;
      this.#set({ metainfo, torrent, lastUsed, pinned, partial, condition: { type: 'checking' } });
      this.#begin(infoHash);
    }
  }

  get size(): number {
    return this.#kept.size;
  }

  all(): IterableIterator<KeptTorrent> {
    return this.#kept.values();
  }

  get(infoHash: InfoHash): KeptTorrent | undefined {
    return this.#kept.get(toHex(infoHash));
  }

  /**
   * Gets a torrent and keeps it; fulfilled when it is on the disk and about to start. `prepared` is called before its
   * content is looked at, when nothing else has it: what it puts there is found.
   * @throws TorrentsError; the system's error where the disk refuses
   */
  async add(
    torrent: Uint8Array,
    metainfo: Metainfo,
    options: {
      readonly pinned: boolean;
      /** Only what somebody reads of it is got. @default false */
      readonly partial?: boolean;
      readonly prepared?: () => Promise<void>;
    },
  ): Promise<KeptTorrent> {
    const { infoHash } = metainfo;
    const key = toHex(infoHash);
    return this.#turns.take(key, async () => {
      this.#refuseClosed();
      if (this.#kept.has(key))
        throw new TorrentsError('known', `${printable(metainfo.name)} is here already`);
      await options.prepared?.();
      const { pinned, partial = false } = options;
      if (partial) await this.#deps.folder.savePartial(infoHash, torrent);
      else await this.#deps.folder.saveTorrent(infoHash, torrent, pinned);
      const now = this.#deps.wallClock.now();
      const kept: KeptTorrent = {
        metainfo,
        torrent,
        pinned,
        partial,
        lastUsed: now,
        condition: { type: 'checking' },
      };
      this.#set(kept);
      this.#begin(infoHash);
      return kept;
    });
  }

  /** Somebody asks for it, or nobody any more, beside the catalogue. @throws TorrentsError `unknown` */
  async pin(infoHash: InfoHash, pinned: boolean): Promise<void> {
    await this.#turns.take(toHex(infoHash), async () => {
      const kept = this.#known(infoHash);
      if (pinned) await this.#deps.folder.saveTorrent(infoHash, kept.torrent, true);
      else await this.#deps.folder.unpin(infoHash);
      this.#set({ ...kept, pinned });
    });
  }

  /** All of it is to be here, where it was only got as it was read. @throws TorrentsError `unknown` */
  async wantAll(infoHash: InfoHash): Promise<void> {
    await this.#turns.take(toHex(infoHash), async () => {
      const { partial, torrent } = this.#known(infoHash);
      if (!partial) return;
      await this.#deps.folder.saveWhole(infoHash, torrent);
      const kept = this.#known(infoHash);
      this.#set({ ...kept, partial: false });
      if (kept.condition.type !== 'downloading') return;
      await this.#interrupt(kept);
      this.#begin(infoHash);
    });
  }

  /**
   * All of its content is at hand: `prepared` puts it in place of what is here. Nothing where it is whole already.
   * @throws TorrentsError `unknown`; the error of `prepared`
   */
  async supply(infoHash: InfoHash, prepared: () => Promise<void>): Promise<void> {
    const key = toHex(infoHash);
    if (this.#kept.get(key)?.condition.type === 'checking') this.#checks.get(key)?.abort();
    await this.#turns.take(key, async () => {
      this.#refuseClosed();
      const kept = this.#known(infoHash);
      if (kept.condition.type === 'seeding') return;
      await this.#interrupt(kept);
      try {
        await prepared();
      } finally {
        this.#begin(infoHash);
      }
    });
  }

  /** Lets go of it, and deletes its content unless `keepContent`. @throws TorrentsError `unknown` */
  async remove(infoHash: InfoHash, keepContent = false): Promise<void> {
    const key = toHex(infoHash);
    this.#checks.get(key)?.abort();
    await this.#turns.take(key, async () => {
      const kept = this.#known(infoHash);
      await this.#close(kept);
      await this.#deps.folder.delete(infoHash, keepContent);
      this.#checks.delete(key);
      this.#kept.delete(key);
      this.emit('changed', infoHash);
    });
  }

  /** Somebody reads it. */
  used(infoHash: InfoHash): void {
    const kept = this.#kept.get(toHex(infoHash));
    const now = this.#deps.wallClock.now();
    if (kept === undefined || now - kept.lastUsed < TOUCH_PERIOD) return;
    this.#kept.set(toHex(infoHash), { ...kept, lastUsed: now });
    void this.#deps.folder.touch(infoHash, now);
  }

  /** Ends all sessions in good order; what is on the disk stays. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const retry of this.#retries.values()) retry.cancel();
    this.#retries.clear();
    await Promise.all(
      [...this.#kept.keys()].map((key) =>
        this.#turns.take(key, async () => {
          const kept = this.#kept.get(key);
          if (kept !== undefined) await this.#close(kept);
        }),
      ),
    );
  }

  /** Has its content looked at, when its turn has come. */
  #begin(infoHash: InfoHash): void {
    const key = toHex(infoHash);
    const abort = new AbortController();
    this.#checks.set(key, abort);
    const signal = AbortSignal.any([abort.signal, this.#closing.signal]);
    void this.#turns.take(key, () => this.#start(infoHash, signal));
  }

  /** checking -> downloading | failed */
  async #start(infoHash: InfoHash, signal: AbortSignal): Promise<void> {
    const key = toHex(infoHash);
    const kept = this.#kept.get(key);
    if (kept === undefined || kept.condition.type !== 'checking') return;
    if (!(await this.#checkTurn(signal))) return;
    try {
      signal.throwIfAborted();
      const { client, folder } = this.#deps;
      const session = await client.download(kept.metainfo, {
        dir: folder.paths.content(infoHash),
        trackers: this.#options.trackers,
        selective: kept.partial,
        signal,
      });
      this.#follow(kept, session);
      session.start();
    } catch (error) {
      if (!signal.aborted) this.#failed(infoHash, error as Error);
    } finally {
      this.#checking--;
      this.#queue.shift()?.();
    }
  }

  #follow(kept: KeptTorrent, session: TorrentSession): void {
    const { infoHash } = kept.metainfo;
    this.#become(infoHash, { type: 'downloading', session });
    session.on('complete', () => this.#completed(infoHash, session));
    session.on('lost', () => {
      if (!session.complete) this.#become(infoHash, { type: 'downloading', session });
    });
    session.on('failed', (error) => {
      void this.#turns.take(toHex(infoHash), async () => {
        await this.#end(session);
        if (this.#isCurrent(infoHash, session)) this.#failed(infoHash, error);
      });
    });
  }

  #isCurrent(infoHash: InfoHash, session: TorrentSession): boolean {
    const kept = this.#kept.get(toHex(infoHash));
    return kept !== undefined && sessionOf(kept) === session;
  }

  /** downloading -> seeding */
  #completed(infoHash: InfoHash, session: TorrentSession): void {
    if (!this.#isCurrent(infoHash, session)) return;
    const completed = this.#deps.wallClock.now();
    const kept = this.#become(infoHash, { type: 'seeding', session, completed });
    if (kept === undefined) return;
    const { downloaded } = session.stats();
    this.#deps.logger.info('has all of it', {
      name: printable(kept.metainfo.name),
      infoHash: toHex(infoHash),
      downloaded,
    });
    this.emit('complete', kept);
  }

  /** any -> failed, and to be tried again. */
  #failed(infoHash: InfoHash, error: Error): void {
    const reason = printable(error.message, 500);
    this.#deps.logger.error('a torrent failed', { infoHash: toHex(infoHash), reason });
    if (this.#become(infoHash, { type: 'failed', reason }) === undefined) return;
    const key = toHex(infoHash);
    const retry = this.#deps.timers.after(this.#options.retryAfter, () => {
      this.#retries.delete(key);
      this.#become(infoHash, { type: 'checking' });
      this.#begin(infoHash);
    });
    this.#retries.set(key, retry);
  }

  async #close(kept: KeptTorrent): Promise<void> {
    await this.#interrupt(kept, { type: 'closing' });
  }

  /** any -> checking | closing, without a session. */
  async #interrupt(kept: KeptTorrent, next: TorrentCondition = { type: 'checking' }): Promise<void> {
    const { infoHash } = kept.metainfo;
    const key = toHex(infoHash);
    this.#retries.get(key)?.cancel();
    this.#retries.delete(key);
    // Who reads it goes on with the next session.
    this.#become(infoHash, next);
    const session = sessionOf(kept);
    if (session !== undefined) await this.#end(session);
  }

  /** What a disk says at the end keeps nobody from letting go of a session. */
  async #end(session: TorrentSession): Promise<void> {
    try {
      await this.#deps.client.remove(session);
    } catch (error) {
      const reason = printable((error as Error).message, 500);
      this.#deps.logger.warn('a torrent could not be closed in order', {
        infoHash: toHex(session.metainfo.infoHash),
        reason,
      });
    }
  }

  /** @returns false where it is not to be checked any more */
  async #checkTurn(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted && this.#checking >= this.#options.checks) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#queue.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
      await promise;
      if (!signal.aborted) continue;
      const at = this.#queue.indexOf(resolve);
      if (at >= 0) this.#queue.splice(at, 1);
      // It was called, and does not go: the next one does.
      else this.#queue.shift()?.();
    }
    if (signal.aborted) return false;
    this.#checking++;
    return true;
  }

  #parse(infoHash: InfoHash, torrent: Uint8Array): Metainfo | undefined {
    try {
      const metainfo = parseMetainfo(torrent, { fileSystem: FILE_SYSTEM });
      if (toHex(metainfo.infoHash) === toHex(infoHash)) return metainfo;
    } catch {
      // Told below.
    }
    this.#deps.logger.warn('a torrent on the disk is broken', { infoHash: toHex(infoHash) });
    return undefined;
  }

  #become(infoHash: InfoHash, condition: TorrentCondition): KeptTorrent | undefined {
    const kept = this.#kept.get(toHex(infoHash));
    if (kept === undefined || (kept.condition.type === 'closing' && condition.type !== 'closing'))
      return undefined;
    const changed = { ...kept, condition };
    this.#set(changed);
    return changed;
  }

  #set(kept: KeptTorrent): void {
    this.#kept.set(toHex(kept.metainfo.infoHash), kept);
    this.emit('changed', kept.metainfo.infoHash);
  }

  #known(infoHash: InfoHash): KeptTorrent {
    const kept = this.#kept.get(toHex(infoHash));
    if (kept === undefined) throw new TorrentsError('unknown', 'there is no such torrent here');
    return kept;
  }

  #refuseClosed(): void {
    if (this.#closing.signal.aborted) throw new TorrentsError('closed', 'the node is about to end');
  }
}
