import type { Clock, Endpoint, Random, Timers } from '@pixtorrent/core';
import type { GoodbyeReason, WireMessages, WireName } from '@pixtorrent/peer-protocol';
import type { Peer } from './peer.ts';

/** Why a connection ended: for the metrics, the log and the peer's reputation. */
export type DisconnectReason =
  | 'leaving'
  | 'duplicate'
  | 'self'
  | 'both-complete'
  | 'replaced'
  | 'protocol-error'
  | 'banned'
  | 'idle'
  | 'remote-closed'
  | 'network-error'
  | 'stopped';

/**
 * The outgoing half of one connection. Calls only queue: what was queued within one turn of the event loop goes
 * out together.
 */
export interface PeerLink extends WireMessages {
  readonly wire: WireName;
  /** Whether the other side answers each request that it drops by a Reject. */
  readonly rejects: boolean;
  /**
   * Sends a block that this node has, as soon as it has been read. `Peer.blockSent` follows when the network has
   * taken it; `Peer.blockNotSent` and `Torrent.readFailed` where the disk has lost it.
   */
  sendBlock(piece: number, offset: number, length: number): void;
  /**
   * Ends the connection after what was queued, with a Goodbye where the wire has one. A payload that is landing is
   * broken off: `Peer.blockAbort` is called before this returns. `Peer.closed` is not called.
   */
  close(reason: DisconnectReason, goodbye: GoodbyeReason, text: string): void;
}

/** What the engine asks of the machine for the pieces themselves. Answers come by the torrent's methods. */
export interface PieceIo {
  /**
   * Memory for one more piece in progress.
   * @returns false while there is none: no further piece is begun until some is released
   */
  reserve(piece: number): boolean;
  /** The piece in progress is given up: its memory is free again. */
  release(piece: number): void;
  /** Hash the piece in progress; answered by `Torrent.pieceVerified`. */
  verify(piece: number): void;
  /** Write the verified piece and free its memory; answered by `Torrent.pieceStored` or `Torrent.stop`. */
  store(piece: number): void;
  /**
   * A digest of each block (16 KiB) of the piece in progress, to find out later who sent a bad one; answered by
   * `Torrent.pieceFingerprinted`. The memory stays reserved until `release` or `store`.
   */
  fingerprint(piece: number): void;
}

/** Opens connections. A success is answered by `Torrent.connected`, a failure by `Torrent.dialFailed`. */
export interface Dialler {
  dial(endpoint: Endpoint, wire: WireName | undefined): void;
}

/** What happens in a swarm, by name: metrics, progress displays and tests all listen here. */
export interface SwarmEvents {
  pieceVerified?(piece: number, remaining: number): void;
  pieceFailed?(piece: number, contributors: number): void;
  complete?(): void;
  peerConnected?(key: string): void;
  peerDisconnected?(key: string, reason: DisconnectReason, peer: Peer): void;
  peerBanned?(key: string, cause: BanCause): void;
  /** Payload that arrived and was thrown away, bytes. */
  wasted?(bytes: number, cause: WasteCause): void;
}

/** Another peer had given it or was giving it; or nobody waited for it (any more). */
export type WasteCause = 'duplicate' | 'unasked';

export type BanCause = 'bad-piece' | 'protocol-error' | 'stalls';

/** What the engine is given. Time, timers and randomness come from outside, so that a run can be repeated. */
export interface EngineDependencies {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly pieces: PieceIo;
  readonly dialler: Dialler;
  readonly events?: SwarmEvents;
}
