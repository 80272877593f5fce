import type { TrackerStatus } from '../trackers/tracker-status.ts';
import type { ConnectedPeer } from './connected-peer.ts';

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
  /** Of these: what another peer had given already. */
  readonly duplicate: number;
  /** Pieces whose hash was wrong. */
  readonly failed: number;
}

/**
 * How few copies of the content there are, as far as this node sees: among itself, those connected to it, and those who
 * had everything and left because both had, within the last 15 minutes.
 */
export interface SwarmAvailability {
  /** Copies of the rarest piece; above 128 they are not told apart. */
  readonly rarest: number;
  /** Pieces that only this node has. */
  readonly sole: number;
  /** And how many bytes those are. */
  readonly soleBytes: number;
}

export interface SessionEvents {
  /** A piece is verified: it can be read and is offered, though the disk may not have taken it yet. */
  piece: [piece: number];
  /** All that is wanted is verified and written. Emitted at once for what was whole from the start. */
  complete: [];
  /** The torrent cannot go on: a disk that refuses. It is stopped; what is on the disk stays valid. */
  failed: [error: Error];
  /** A piece that was here cannot be read any more, and is not offered any more. */
  lost: [piece: number, error: Error];
  banned: [peer: string, cause: string];
  /** A connection has ended; its figures are the last ones. */
  disconnected: [peer: ConnectedPeer];
  /** How things stand with a tracker has changed. */
  tracker: [url: string, status: TrackerStatus];
}
