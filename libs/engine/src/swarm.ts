import type { GoodbyeReason } from '@pixtorrent/peer-protocol';
import type { TorrentOptions, Tuning } from './options.ts';
import type { Peer } from './peer.ts';
import type { PieceTable } from './pieces/piece-table.ts';
import type { DisconnectReason, EngineDependencies } from './ports.ts';
import type { RateMeter } from './rates/rate-meter.ts';
import type { Reputation } from './reputation/reputation.ts';

/** What the parts of one torrent's engine share. */
export interface Swarm {
  readonly dependencies: EngineDependencies;
  readonly options: TorrentOptions;
  readonly tuning: Tuning;
  readonly pieces: PieceTable;
  readonly reputation: Reputation;
  /** The connected peers. */
  readonly peers: Set<Peer>;
  /** This node is about to leave: it takes nothing any more, and gives first what only it has. */
  readonly draining: boolean;
  /** Blocks that arrived, and blocks that left, over all peers and time. */
  readonly received: RateMeter;
  readonly sent: RateMeter;
  disconnect(peer: Peer, reason: DisconnectReason, goodbye: GoodbyeReason, text: string): void;
  /** It broke a rule of the protocol that the codec cannot see: it is disconnected, and remembered for it. */
  protocolError(peer: Peer, text: string): void;
}
