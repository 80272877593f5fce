import type { Clock, InfoHash, Logger, PeerId, Random, Timers } from '@pixtorrent/core';
import type { TrackerPeer } from '@pixtorrent/tracker-protocol';
import type { Announce } from './announce.ts';
import type { TrackerStatus } from './tracker-status.ts';

/** Bytes, as an announce reports them. */
export interface TransferFigures {
  readonly uploaded: number;
  readonly downloaded: number;
  readonly left: number;
}

export interface TrackerAnnouncerDependencies {
  readonly announce: Announce;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  /** Asked at each announce. */
  readonly figures: () => TransferFigures;
  /** Peers that a tracker named; may be called with those known before. */
  readonly onPeers: (peers: readonly TrackerPeer[]) => void;
  readonly onStatus?: (url: string, status: TrackerStatus) => void;
}

export interface TrackerAnnouncerOptions {
  /** Announce URLs by tier (BEP 12). */
  readonly tiers: readonly (readonly string[])[];
  readonly infoHash: InfoHash;
  readonly peerId: PeerId;
  /** Where this node listens. */
  readonly port: number;
  /**
   * Peers asked for.
   * @default 50
   */
  readonly numWant?: number;
  /**
   * Whether this node speaks PixWire, for trackers that tell others.
   * @default true
   */
  readonly pixwire?: boolean;
  /**
   * Milliseconds for one tracker's answer.
   * @default 15,000
   */
  readonly timeoutMs?: number;
  /**
   * Milliseconds for all the farewells together.
   * @default 3,000
   */
  readonly stopTimeoutMs?: number;
  /**
   * Seconds between announces that nobody but `needPeers` asks for, where the tracker names no `min interval`.
   * @default 60
   */
  readonly minInterval?: number;
}
