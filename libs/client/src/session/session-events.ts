import type { TrackerStatus } from '../trackers/tracker-status.ts';

/** What a torrent is doing, for progress displays. Rates are bytes a second, smoothed over some seconds. */
export interface SessionStats {
  /** Bytes of blocks received in this session. */
  readonly downloaded: number;
  /** Bytes of blocks sent in this session. */
  readonly uploaded: number;
  /** Bytes of the wanted content that are here and verified. */
  readonly have: number;
  /** Bytes of the wanted content. */
  readonly total: number;
  readonly downRate: number;
  readonly upRate: number;
  readonly peers: number;
  /** Pieces that are here. */
  readonly pieces: number;
  /** Bytes that came although nobody waited for them any more. */
  readonly wasted: number;
}

export interface SessionEvents {
  /** All that is wanted is verified and written. Emitted at once for what was whole from the start. */
  complete: [];
  /** The torrent cannot go on: a disk that refuses. It is stopped; what is on the disk stays valid. */
  failed: [error: Error];
  /** A piece that was here cannot be read any more, and is not offered any more. */
  lost: [piece: number, error: Error];
  banned: [peer: string, cause: string];
  /** How things stand with a tracker has changed. */
  tracker: [url: string, status: TrackerStatus];
}
