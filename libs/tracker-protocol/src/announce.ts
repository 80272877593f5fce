import type { Endpoint, InfoHash, PeerId } from '@pixtorrent/core';

/** What happened, as an announce says it; none at a regular one (BEP 3). */
export type AnnounceEvent = 'started' | 'completed' | 'stopped';

/** An announce in terms common to HTTP (BEP 3, 7, 23) and UDP (BEP 15). Counts are bytes. */
export interface AnnounceRequest {
  readonly infoHash: InfoHash;
  readonly peerId: PeerId;
  /** Where this peer listens. */
  readonly port: number;
  readonly uploaded: number;
  readonly downloaded: number;
  readonly left: number;
  readonly event?: AnnounceEvent | undefined;
  /** How many peers are wanted; the tracker decides where it is missing. */
  readonly numWant?: number | undefined;
  /** Proves the peer's identity to the tracker when its address changes: 32 bits. */
  readonly key?: number | undefined;
  /** What the tracker gave as `tracker id`, returned to it. */
  readonly trackerId?: string | undefined;
  /** The peer's address where it differs from the connection's; a tracker may ignore it. */
  readonly ip?: string | undefined;
}

/** A peer as a tracker names it; compact answers carry no peer ID. */
export interface TrackerPeer extends Endpoint {
  readonly peerId?: PeerId;
  /** It has told the tracker that it speaks PixWire. */
  readonly pixwire?: boolean;
}

/** What a tracker answers. Times are seconds. */
export interface AnnounceResponse {
  readonly interval: number;
  readonly minInterval?: number;
  readonly seeders?: number;
  readonly leechers?: number;
  readonly peers: readonly TrackerPeer[];
  /** Made printable. */
  readonly warning?: string;
  readonly trackerId?: string;
}

/** Figures of one swarm (BEP 48). */
export interface ScrapeEntry {
  readonly seeders: number;
  readonly leechers: number;
  /** How many times a peer said `completed`. */
  readonly completed: number;
}
