import type { TorrentSession } from '@pixtorrent/client';
import { type Timers, toHex } from '@pixtorrent/core';
import type { KnownEntry } from '../content/entry-record.ts';
import { type Replicator, ReplicatorError } from '../replication/replicator.ts';
import { sessionOf } from '../torrents/kept-torrent.ts';
import type { Torrents } from '../torrents/torrents.ts';
import type { ClusterView } from '../tracker/cluster-view.ts';
import { GatewayError } from './errors.ts';
import { holdersOf } from './holders.ts';
import type { KnownTorrent } from './known-torrents.ts';

export interface ReachDependencies {
  readonly torrents: Torrents;
  readonly replicator: Pick<Replicator, 'fetch'>;
  readonly cluster: Pick<ClusterView, 'nodes'>;
  readonly timers: Timers;
}

/** Makes content that is named readable: what is not held here is taken, while there is room. */
export class Reach {
  readonly #deps: ReachDependencies;
  /** Those who wait for a torrent, by its info hash: each is called when it has changed. */
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(dependencies: ReachDependencies) {
    this.#deps = dependencies;
    dependencies.torrents.on('changed', (infoHash) => {
      for (const look of this.#waiting.get(toHex(infoHash)) ?? []) look();
    });
  }

  /**
   * The session that an entry is read through.
   * @param patience milliseconds that it may take to look at what is on the disk
   * @throws GatewayError; the signal's reason
   */
  async session(
    entry: KnownEntry,
    { torrent, metainfo }: KnownTorrent,
    { signal, patience }: { readonly signal: AbortSignal; readonly patience: number },
  ): Promise<TorrentSession> {
    const { torrents } = this.#deps;
    const held = torrents.get(entry.infoHash);
    const session = held && sessionOf(held);
    if (session !== undefined) {
      torrents.used(entry.infoHash);
      return session;
    }
    if (held === undefined) await this.#fetch(entry, torrent);
    // Before it has started: the dials are under way when the tracker is asked.
    const ready = (started: TorrentSession): void => {
      if (held === undefined && !metainfo.private)
        started.addPeers(holdersOf(this.#deps.cluster.nodes.values(), entry.infoHash), 'pixwire');
    };
    return this.#started(entry, { signal, patience, ready });
  }

  async #fetch(entry: KnownEntry, torrent: Uint8Array): Promise<void> {
    try {
      await this.#deps.replicator.fetch(entry, torrent);
    } catch (error) {
      if (!(error instanceof ReplicatorError)) throw error;
      throw new GatewayError(error.code === 'no-room' ? 'no-room' : 'unavailable', error.message);
    }
  }

  /** Waits until its content has been looked at. @param ready is called when it is about to start */
  #started(
    entry: KnownEntry,
    {
      signal,
      patience,
      ready,
    }: {
      readonly signal: AbortSignal;
      readonly patience: number;
      readonly ready: (session: TorrentSession) => void;
    },
  ): Promise<TorrentSession> {
    const { torrents, timers } = this.#deps;
    const { promise, resolve, reject } = Promise.withResolvers<TorrentSession>();
    let found = false;
    const look = (): void => {
      if (found) return;
      const kept = torrents.get(entry.infoHash);
      const session = kept && sessionOf(kept);
      if (session !== undefined) {
        found = true;
        ready(session);
        resolve(session);
      } else if (kept === undefined || kept.condition.type === 'closing')
        reject(new GatewayError('unavailable', 'it was let go of'));
      else if (kept.condition.type === 'failed')
        reject(new GatewayError('unavailable', `it cannot be had: ${kept.condition.reason}`));
    };
    const aborted = (): void => reject(signal.reason);
    const late = timers.after(patience, () =>
      reject(new GatewayError('unavailable', 'what is on the disk of it is still looked at')),
    );
    const key = toHex(entry.infoHash);
    const others = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, others.add(look));
    signal.addEventListener('abort', aborted, { once: true });
    look();
    return promise.finally(() => {
      others.delete(look);
      if (others.size === 0) this.#waiting.delete(key);
      signal.removeEventListener('abort', aborted);
      late.cancel();
    });
  }
}
