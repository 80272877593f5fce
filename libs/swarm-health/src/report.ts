/** What a node says of itself and of its torrents; counters count from its start, or that of a torrent's session. */
export interface NodeReport {
  readonly node: string;
  /** Empty for unknown. */
  readonly zone: string;
  /** From 1, one more with each report of a stream. */
  readonly sequence: number;
  readonly torrents: readonly TorrentReport[];
  /** Info hashes of torrents that it holds no more. */
  readonly gone: readonly Uint8Array[];
  readonly counters: NodeCounters | undefined;
}

export interface TorrentReport extends TransferCounters {
  readonly infoHash: Uint8Array;
  /** In a snapshot. */
  readonly shape: TorrentShape | undefined;
  /** Missing where nothing came or went. */
  readonly pieces: PieceReport | undefined;
  /** Milliseconds for which it wanted data and none came. */
  readonly stalledMs: number;
  /** Bytes by peer since the last report. */
  readonly peers: readonly PeerBytes[];
  /** Connected peers. */
  readonly connected: number;
  /** It gets only what is read of it, and is not to become whole. */
  readonly partial: boolean;
  /** A tracker has taken in that it is there, as far as the node knows. */
  readonly announced: boolean;
}

/** Bytes, except where something else is said. */
export interface TransferCounters {
  readonly received: number;
  readonly sent: number;
  /** Came although they were here already, and came although nobody waited for them; neither is in `received`. */
  readonly duplicate: number;
  readonly wasted: number;
  /** Pieces whose hash was wrong. */
  readonly failed: number;
}

export interface TorrentShape {
  /** NAME@VERSION in the catalogue; empty where it is not from there. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly pieceLength: number;
  readonly pieces: number;
}

/** Pieces that are verified there: all of them, or those that came and went, in ascending order. */
export type PieceReport =
  | { readonly type: 'snapshot'; readonly bits: Uint8Array }
  | { readonly type: 'changes'; readonly came: readonly number[]; readonly went: readonly number[] };

export interface PeerBytes {
  /** Name of a node, or HOST:PORT. */
  readonly peer: string;
  readonly received: number;
  readonly sent: number;
}

export interface NodeCounters {
  /** By cause. */
  readonly bans: Readonly<Record<string, number>>;
  /** Milliseconds, 99th percentile over the last minute; 0 where there was nothing to measure. */
  readonly discoveryMs: number;
  readonly messageMs: number;
}
