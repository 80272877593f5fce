import type { Peer } from '@pixtorrent/engine';
import type { WireName } from '@pixtorrent/peer-protocol';

/** A connection of a torrent, for those who look at it. Bytes, and bytes a second smoothed over some seconds. */
export interface ConnectedPeer {
  /** Where it can be dialled, as far as that is known; else where it came from. */
  readonly host: string;
  readonly port: number;
  readonly peerId: Uint8Array;
  readonly wire: WireName;
  readonly incoming: boolean;
  readonly encrypted: boolean;
  /** Pieces that it has. */
  readonly pieces: number;
  readonly seeder: boolean;
  /** It gives this node nothing. */
  readonly chokesUs: boolean;
  /** This node gives it nothing. */
  readonly choked: boolean;
  /** It wants something from this node. */
  readonly interested: boolean;
  /** This node wants something from it. */
  readonly interesting: boolean;
  readonly received: number;
  readonly sent: number;
  readonly downRate: number;
  readonly upRate: number;
}

export function connectedPeer(peer: Peer, now: number): ConnectedPeer {
  const { host, port } = peer.listensAt ?? peer.info.endpoint;
  return {
    host,
    port,
    peerId: peer.info.handshake.peerId,
    wire: peer.link.wire,
    incoming: peer.info.incoming,
    encrypted: peer.info.encrypted ?? false,
    pieces: peer.has.count,
    seeder: peer.seed,
    chokesUs: peer.chokesUs,
    choked: peer.choked,
    interested: peer.wantsData,
    interesting: peer.interestedSent,
    received: peer.received.total,
    sent: peer.sent.total,
    downRate: peer.received.rate(now),
    upRate: peer.sent.rate(now),
  };
}
