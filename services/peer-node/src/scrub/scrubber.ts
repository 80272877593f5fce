import type { TorrentSession } from '@pixtorrent/client';
import { type Clock, type Logger, printable, type Timers, toHex } from '@pixtorrent/core';
import { sessionOf } from '../torrents/kept-torrent.ts';
import type { Torrents } from '../torrents/torrents.ts';
import type { ScrubRecord } from './scrub-record.ts';

export interface ScrubberDependencies {
  readonly torrents: Pick<Torrents, 'all'>;
  readonly record: ScrubRecord;
  readonly timers: Timers;
  readonly wallClock: Clock;
  readonly logger: Logger;
}

export interface ScrubberOptions {
  /** Bytes a second that are read; 0 for never. */
  readonly rate: number;
  /** Milliseconds after which the same content is looked at again. */
  readonly interval: number;
}

/** Since the start. */
export interface ScrubFigures {
  readonly bytes: number;
  /** Pieces that were not what they had been; each is got again. */
  readonly corrupt: number;
  /** Torrents that were looked at from end to end. */
  readonly torrents: number;
}

/** Milliseconds between two looks whether something is due. */
const PERIOD = 30_000;
/** Milliseconds of work that a crash may cost. */
const SAVE_PERIOD = 30_000;

/** Reads again, one torrent after another and slowly, what is on the disk: what the disk has lost is got again. */
export class Scrubber {
  readonly #deps: ScrubberDependencies;
  readonly #options: ScrubberOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #bytes = 0;
  #corrupt = 0;
  #torrents = 0;

  constructor(dependencies: ScrubberDependencies, options: ScrubberOptions) {
    this.#deps = dependencies;
    this.#options = options;
    this.#running = options.rate > 0 ? this.#run() : Promise.resolve();
  }

  get figures(): ScrubFigures {
    return { bytes: this.#bytes, corrupt: this.#corrupt, torrents: this.#torrents };
  }

  /** Ends at the next piece; how far it came is kept. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const due = this.#next();
        if (due !== undefined) {
          await this.#scrub(due);
          continue;
        }
        await this.#deps.record.save();
      } catch (error) {
        if (!signal.aborted)
          this.#deps.logger.warn('what is on the disk cannot be looked at', {
            reason: printable(String(error), 300),
          });
      }
      await this.#pause(Math.min(PERIOD, this.#options.interval));
    }
    await this.#deps.record.save().catch(() => {});
  }

  /** What was begun, and then what was looked at longest ago. */
  #next(): TorrentSession | undefined {
    const { torrents, record, wallClock } = this.#deps;
    const now = wallClock.now();
    const there = new Set<string>();
    let oldest = now - this.#options.interval;
    let found: TorrentSession | undefined;
    let begun: TorrentSession | undefined;
    for (const torrent of torrents.all()) {
      const infoHash = toHex(torrent.metainfo.infoHash);
      there.add(infoHash);
      const session = sessionOf(torrent);
      const lookedAt = record.lookedAt(infoHash, now);
      if (session === undefined) continue;
      if (record.underway?.infoHash === infoHash) begun = session;
      if (lookedAt > oldest) continue;
      oldest = lookedAt;
      found = session;
    }
    record.keepOnly(there);
    return begun ?? found;
  }

  async #scrub(session: TorrentSession): Promise<void> {
    const { record, wallClock, logger } = this.#deps;
    const { name, infoHash } = session.metainfo;
    const key = toHex(infoHash);
    const from = record.underway?.infoHash === key ? record.underway.piece : 0;
    const { rate: bytesPerSecond } = this.#options;
    let savedAt = wallClock.now();
    let bytes = 0;
    const { signal } = this.#stop;
    for await (const progress of session.scrub({ bytesPerSecond, signal, from })) {
      this.#bytes += progress.bytes - bytes;
      bytes = progress.bytes;
      record.reached(key, progress.piece + 1);
      if (!progress.good) {
        this.#corrupt++;
        logger.error('the disk has lost a piece, it is got again', {
          name: printable(name),
          infoHash: key,
          piece: progress.piece,
        });
      }
      if (wallClock.now() - savedAt < SAVE_PERIOD) continue;
      savedAt = wallClock.now();
      await record.save();
    }
    record.finished(key, wallClock.now());
    this.#torrents++;
    await record.save();
  }

  #pause(delay: number): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = this.#deps.timers.after(delay, end);
      signal.addEventListener('abort', end, { once: true });
    });
  }
}
