import type { cluster } from '@pixtorrent/contracts';
import { type KeptTorrent, sessionOf } from '../torrents/kept-torrent.ts';
import type { Torrents } from '../torrents/torrents.ts';

/** Holdings of one node that a cluster takes. */
const MOST_HOLDINGS = 10_000;

/** What of a node does not change while it runs. */
export interface Standing {
  readonly name: string;
  readonly zone: string;
  readonly machine: string;
  /** HOST:PORT each; empty where it has none. */
  readonly grpcAddress: string;
  readonly httpAddress: string;
  readonly peerAddress: string;
  /** Milliseconds since 1970: when it started. */
  readonly sinceMs: number;
}

/** This node, as the others are told of it. */
export function describe(
  standing: Standing,
  state: cluster.NodeState,
  torrents: Torrents,
  budget: number,
): cluster.Node {
  const holdings: cluster.Holding[] = [];
  let diskUsed = 0;
  for (const torrent of torrents.all()) {
    diskUsed += torrent.metainfo.length;
    if (holdings.length < MOST_HOLDINGS) holdings.push(holdingOf(torrent));
  }
  return { ...standing, state, diskBudget: budget, diskUsed, holdings };
}

function holdingOf(torrent: KeptTorrent): cluster.Holding {
  const { infoHash, length: size } = torrent.metainfo;
  const session = sessionOf(torrent);
  const stats = session?.stats();
  return {
    infoHash: Buffer.from(infoHash),
    // Whole when it is on the disk: until then it could be lost with this node's memory.
    have: torrent.condition.type === 'seeding' ? size : Math.min(stats?.have ?? 0, size - 1),
    size,
    downRate: Math.round(stats?.downRate ?? 0),
    upRate: Math.round(stats?.upRate ?? 0),
    peers: stats?.peers ?? 0,
    availability: session?.availability().rarest ?? 0,
  };
}
