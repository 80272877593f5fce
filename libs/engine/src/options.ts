import type { Bitfield, InfoHash, PeerId } from '@pixtorrent/core';
import type { TorrentShape, WireName } from '@pixtorrent/peer-protocol';
import type { TokenBucket } from './rates/token-bucket.ts';

/** What an engine is told of its torrent, and the knobs of its policies. Times are milliseconds. */
export interface TorrentOptions {
  readonly shape: TorrentShape;
  readonly infoHash: InfoHash;
  readonly peerId: PeerId;
  /** Pieces that are here already. @default none */
  readonly have?: Bitfield;
  /** Pieces to get. @default all */
  readonly wanted?: Bitfield;
  /** More pieces are wanted as they are needed (`Torrent.want`): peers are kept though nothing is lacked. @default false */
  readonly selective?: boolean;
  /** The info dictionary, served to those who came by a magnet link (BEP 9). @default not served */
  readonly metadata?: Uint8Array;
  /** The port that this node listens on, told to others (BEP 10). */
  readonly port?: number;
  /** Name and version for the extension handshake. @default 'PixTorrent' */
  readonly clientName?: string;
  /** In which order pieces are begun. @default 'rarest-first' */
  readonly order?: PieceOrder;
  /** Show to each peer one piece at a time, and the next once it was passed on (BEP 16). @default false */
  readonly superSeed?: boolean;
  /** The wires that may be spoken. @default both */
  readonly wires?: readonly WireName[];
  /** Limits that all uploads of this torrent pass, its own and the client's. @default none */
  readonly uploadLimits?: readonly TokenBucket[];
  /** Limits that all requests of this torrent pass. @default none */
  readonly downloadLimits?: readonly TokenBucket[];
  readonly tuning?: Partial<Tuning>;
}

export type PieceOrder = 'rarest-first' | 'sequential';

/** The numbers behind the policies, in one place, so that a simulation can judge them. */
export interface Tuning {
  /** Peers that may be sent to at once. */
  readonly uploadSlots: number;
  /** Connections, both ways. */
  readonly maxConnections: number;
  /** Connections below which more candidates are dialled. */
  readonly dialTarget: number;
  /** Dials under way at once. */
  readonly maxHalfOpen: number;
  /** Candidates remembered. */
  readonly maxCandidates: number;
  /** Bytes of requests at a peer of which nothing is known yet, by wire. */
  readonly initialWindow: Readonly<Record<WireName, number>>;
  /** Bytes of requests at one peer, at most. */
  readonly maxWindow: number;
  /** How long requests may wait at a peer beyond the shortest answer seen. */
  readonly queueTarget: number;
  /** A single request is at most what a peer delivers in this time (and on PixWire at least 64 KiB, but for very slow lines). */
  readonly rangeTarget: number;
  /** The same, and no least, where somebody waited for a piece lately: what is being answered is not taken back. */
  readonly hurriedRangeTarget: number;
  /** Bytes of a single PixWire request, at most. */
  readonly maxRange: number;
  /** Bytes of requests that one peer may queue here. */
  readonly uploadQueue: number;
  /** Bytes that may be on their way from the disk to one peer's socket, whatever its rate. */
  readonly inFlight: number;
  /** And beyond that what the peer takes in this time: reading has to keep ahead of sending. */
  readonly inFlightTime: number;
  /** The same two where the peer takes requests back for others: what is on its way cannot be taken back. */
  readonly hurriedInFlight: number;
  readonly hurriedInFlightTime: number;
  /** How often the choker weighs the peers. */
  readonly chokeInterval: number;
  /** How long the optimistic slot stays with a peer. */
  readonly optimisticInterval: number;
  /** Requests older than this, and than four usual answers, are asked for elsewhere. */
  readonly lateAfter: number;
  /** A peer that owes data and gave none for this long is snubbing. */
  readonly snubbedAfter: number;
  /** A snubbing peer is disconnected after this long without data. */
  readonly deadAfter: number;
  /** Have frames wait at most this long on PixWire. */
  readonly haveDelay: number;
  /** How long a refused piece is not asked of the same peer again. */
  readonly refusalTime: number;
}

export const DEFAULT_TUNING: Tuning = {
  uploadSlots: 20,
  maxConnections: 200,
  dialTarget: 60,
  maxHalfOpen: 16,
  maxCandidates: 2000,
  initialWindow: { pixwire: 1024 * 1024, bep3: 256 * 1024 },
  maxWindow: 64 * 1024 * 1024,
  queueTarget: 200,
  rangeTarget: 5,
  hurriedRangeTarget: 1,
  maxRange: 1024 * 1024,
  uploadQueue: 64 * 1024 * 1024,
  inFlight: 128 * 1024,
  inFlightTime: 10,
  hurriedInFlight: 32 * 1024,
  hurriedInFlightTime: 2,
  chokeInterval: 10_000,
  optimisticInterval: 30_000,
  lateAfter: 3000,
  snubbedAfter: 10_000,
  deadAfter: 60_000,
  haveDelay: 50,
  refusalTime: 500,
};
