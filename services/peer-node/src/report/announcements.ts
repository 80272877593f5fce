import type { TorrentSession, TrackerStatus } from '@pixtorrent/client';
import type { InfoHash } from '@pixtorrent/core';
import { sessionOf } from '../torrents/kept-torrent.ts';
import type { ReportedNode } from './node-report.ts';

/** Which torrents a tracker knows of from this node. Sessions tell only what changes, so it listens from their start. */
export class Announcements {
  readonly #torrents: ReportedNode['torrents'];
  /** URLs of trackers that took in the last announce. */
  readonly #took = new WeakMap<TorrentSession, Set<string>>();
  readonly #changed = (infoHash: InfoHash): void => this.#listen(infoHash);

  constructor(torrents: ReportedNode['torrents']) {
    this.#torrents = torrents;
    for (const { metainfo } of torrents.all()) this.#listen(metainfo.infoHash);
    torrents.on('changed', this.#changed);
  }

  /** Whether a tracker has taken in that this node is in the swarm. */
  has(session: TorrentSession): boolean {
    return (this.#took.get(session)?.size ?? 0) > 0;
  }

  close(): void {
    this.#torrents.off('changed', this.#changed);
  }

  #listen(infoHash: InfoHash): void {
    const kept = this.#torrents.get(infoHash);
    const session = kept && sessionOf(kept);
    if (session === undefined || this.#took.has(session)) return;
    const took = new Set<string>();
    this.#took.set(session, took);
    session.on('tracker', (url: string, { type }: TrackerStatus) => {
      if (type === 'working') took.add(url);
      else if (type !== 'announcing') took.delete(url);
    });
  }
}
