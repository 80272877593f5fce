import type { BanCause, DisconnectReason, Peer } from '@pixtorrent/engine';
import type { PieceCacheFigures, SlabFigures } from '@pixtorrent/node-io';
import type { WireName } from '@pixtorrent/peer-protocol';
import type { ClientResources } from '../resources.ts';
import type { TorrentSession } from '../session/torrent-session.ts';
import type { DistributionFigures } from './distribution.ts';

/** What a client has done since it was opened, and how it is now. Bytes; times are milliseconds. */
export interface ClientFigures {
  readonly torrents: number;
  /** Blocks that were taken, and blocks that the network took, by wire. */
  readonly received: Readonly<Record<WireName, number>>;
  readonly sent: Readonly<Record<WireName, number>>;
  /** Of what was received: pieces whose hash was right. */
  readonly useful: number;
  /** Came though another peer had given it; not counted as received. */
  readonly duplicate: number;
  /** Came though nobody had asked for it, or in a piece whose hash was wrong. */
  readonly wasted: number;
  readonly piecesVerified: number;
  readonly piecesFailed: number;
  /** That were here, and could not be read or were found wrong. */
  readonly piecesLost: number;
  readonly bans: Readonly<Partial<Record<BanCause, number>>>;
  readonly disconnects: Readonly<Partial<Record<DisconnectReason, number>>>;
  readonly peers: PeerFigures;
  readonly slab: SlabFigures;
  readonly cache: PieceCacheFigures;
  /** Pieces that are being hashed or written. */
  readonly writing: number;
  /** One read of the disk, one hash and one write of a piece, each with its time in the queue. */
  readonly diskRead: DistributionFigures;
  readonly diskWrite: DistributionFigures;
  readonly hash: DistributionFigures;
  /** Handling of a message that was decoded, of one in 64. */
  readonly message: DistributionFigures;
  /** From the start of a torrent to its first connection. */
  readonly firstPeer: DistributionFigures;
  /** From the naming of a peer by a tracker to the connection, where it was dialled at once. */
  readonly namedPeer: DistributionFigures;
}

/** Connections by what they are good for; each is in several. */
export interface PeerFigures {
  readonly connected: number;
  readonly incoming: number;
  readonly encrypted: number;
  readonly seeders: number;
  /** They give to this node, this node gives to them. */
  readonly unchokesUs: number;
  readonly unchoked: number;
  /** They want something from this node, it wants something from them. */
  readonly interested: number;
  readonly interesting: number;
  readonly snubbed: number;
  /** Sum of the request windows, and what is asked for of it. */
  readonly window: number;
  readonly requested: number;
}

export function clientFigures(resources: ClientResources, sessions: Iterable<TorrentSession>): ClientFigures {
  const { counters, slab, cache } = resources;
  const received = { ...counters.received };
  const sent = { ...counters.sent };
  const peers = { ...NO_PEERS };
  let torrents = 0;
  let writing = 0;
  for (const session of sessions) {
    torrents++;
    writing += session.writing;
    for (const peer of session.connections) {
      received[peer.link.wire] += peer.received.total;
      sent[peer.link.wire] += peer.sent.total;
      count(peers, peer);
    }
  }
  return {
    torrents,
    received,
    sent,
    useful: counters.useful,
    duplicate: counters.duplicate,
    wasted: counters.wasted,
    piecesVerified: counters.piecesVerified,
    piecesFailed: counters.piecesFailed,
    piecesLost: counters.piecesLost,
    bans: { ...counters.bans },
    disconnects: { ...counters.disconnects },
    peers,
    slab: slab.figures(),
    cache: cache.figures(),
    writing,
    diskRead: counters.diskRead.figures(),
    diskWrite: counters.diskWrite.figures(),
    hash: counters.hash.figures(),
    message: counters.message.figures(),
    firstPeer: counters.firstPeer.figures(),
    namedPeer: counters.namedPeer.figures(),
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NO_PEERS: PeerFigures = {
  connected: 0,
  incoming: 0,
  encrypted: 0,
  seeders: 0,
  unchokesUs: 0,
  unchoked: 0,
  interested: 0,
  interesting: 0,
  snubbed: 0,
  window: 0,
  requested: 0,
};

function count(figures: Mutable<PeerFigures>, peer: Peer): void {
  figures.connected++;
  if (peer.info.incoming) figures.incoming++;
  if (peer.info.encrypted) figures.encrypted++;
  if (peer.seed) figures.seeders++;
  if (!peer.chokesUs) figures.unchokesUs++;
  if (!peer.choked) figures.unchoked++;
  if (peer.wantsData) figures.interested++;
  if (peer.interestedSent) figures.interesting++;
  if (peer.snubbed) figures.snubbed++;
  figures.window += peer.window.size;
  figures.requested += peer.requests.bytes;
}
