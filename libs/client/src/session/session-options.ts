import type { Endpoint } from '@pixtorrent/core';
import type { WireName } from '@pixtorrent/peer-protocol';

/** How a torrent is handled. Rates are bytes a second, 0 for no limit. */
export interface SessionOptions {
  /** Peers known beforehand. */
  readonly peers?: readonly Endpoint[];
  /** Trackers beside those in the torrent, each a tier of its own. */
  readonly trackers?: readonly string[];
  /** @default 'rarest-first' */
  readonly order?: 'rarest-first' | 'sequential';
  /** Get only what is read (`TorrentSession.read`), and keep it. @default false: all that is selected */
  readonly selective?: boolean;
  /** BEP 16. @default false */
  readonly superSeed?: boolean;
  /** @default no limit */
  readonly uploadRate?: number;
  /** @default no limit */
  readonly downloadRate?: number;
  /** The wires that this node dials in. @default both, PixWire first where the peer is known to speak it */
  readonly wires?: readonly WireName[];
}
