import type { ServerWritableStream } from '@grpc/grpc-js';
import type { peer as wire } from '@pixtorrent/contracts';
import { type InfoHash, type Timers, toHex } from '@pixtorrent/core';
import { type ErrorMapper, ToldCall } from '@pixtorrent/service-kit';
import type { KeptTorrent } from '../torrents/kept-torrent.ts';
import type { Torrents } from '../torrents/torrents.ts';
import { sameTorrent } from './peer-messages.ts';
import type { TorrentViews } from './torrent-views.ts';

export type WatchCall = ServerWritableStream<wire.WatchTorrentsRequest, wire.WatchTorrentsResponse>;

export interface TorrentWatcherDependencies {
  readonly call: WatchCall;
  readonly torrents: Torrents;
  readonly views: TorrentViews;
  readonly timers: Timers;
  readonly mapError: ErrorMapper;
}

export interface TorrentWatcherOptions {
  /** Empty for all. */
  readonly hashes: readonly InfoHash[];
  /** Milliseconds between two looks. */
  readonly interval: number;
}

/** Torrents of a message. */
const STEP = 1000;
/** Milliseconds for which the client may read nothing of what is sent. */
const MAX_STALL = 60_000;

/** One call of WatchTorrents: looks at the interval, and tells what is other than it was told. */
export class TorrentWatcher {
  readonly #deps: TorrentWatcherDependencies;
  readonly #options: TorrentWatcherOptions;
  readonly #call: ToldCall<wire.WatchTorrentsResponse>;
  /** What was told last, by info hash in hexadecimal. */
  readonly #told = new Map<string, wire.Torrent>();
  #first = true;

  constructor(dependencies: TorrentWatcherDependencies, options: TorrentWatcherOptions) {
    this.#deps = dependencies;
    this.#options = options;
    this.#call = new ToldCall(dependencies, MAX_STALL);
  }

  run(): Promise<void> {
    return this.#call.run(async () => {
      while (!this.#call.over) {
        await this.#look();
        await this.#call.rest(this.#options.interval);
      }
    });
  }

  end(error: unknown): void {
    this.#call.end(error);
  }

  async #look(): Promise<void> {
    const changed: wire.Torrent[] = [];
    const there = new Set<string>();
    for (const kept of this.#watched()) {
      const key = toHex(kept.metainfo.infoHash);
      const now = this.#deps.views.of(kept);
      const before = this.#told.get(key);
      there.add(key);
      if (before !== undefined && sameTorrent(before, now)) continue;
      this.#told.set(key, now);
      changed.push(now);
    }
    const gone: Buffer[] = [];
    for (const key of this.#told.keys()) if (!there.has(key)) gone.push(Buffer.from(key, 'hex'));
    for (const hash of gone) this.#told.delete(hash.toString('hex'));
    // The first message comes even where it has nothing to tell: then there is nothing.
    for (let at = 0; at < changed.length || gone.length > 0 || this.#first; at += STEP) {
      this.#first = false;
      await this.#call.write({ torrents: changed.slice(at, at + STEP), gone: gone.splice(0) });
    }
  }

  *#watched(): Generator<KeptTorrent> {
    const { torrents } = this.#deps;
    const { hashes } = this.#options;
    if (hashes.length === 0) yield* torrents.all();
    for (const hash of hashes) {
      const kept = torrents.get(hash);
      if (kept !== undefined) yield kept;
    }
  }
}
