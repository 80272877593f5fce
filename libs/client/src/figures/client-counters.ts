import type { BanCause, DisconnectReason, Peer } from '@pixtorrent/engine';
import type { WireName } from '@pixtorrent/peer-protocol';
import { Distribution } from './distribution.ts';

/** Milliseconds: from a page cache to a busy disk, or a tracker far away. */
const WAITS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000] as const;
/** Milliseconds: what happens within one turn of the event loop. */
const TURNS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10] as const;

/** What a client has counted since it was opened, over all its torrents, also those that are gone. Bytes. */
export class ClientCounters {
  /** Blocks of peers that are no longer connected. */
  readonly received: Record<WireName, number> = { pixwire: 0, bep3: 0 };
  readonly sent: Record<WireName, number> = { pixwire: 0, bep3: 0 };
  useful = 0;
  duplicate = 0;
  wasted = 0;
  piecesVerified = 0;
  piecesFailed = 0;
  piecesLost = 0;
  readonly bans: Partial<Record<BanCause, number>> = {};
  readonly disconnects: Partial<Record<DisconnectReason, number>> = {};
  readonly diskRead = new Distribution(WAITS);
  readonly diskWrite = new Distribution(WAITS);
  readonly hash = new Distribution(WAITS);
  readonly message = new Distribution(TURNS);
  readonly firstPeer = new Distribution(WAITS);
  readonly namedPeer = new Distribution(WAITS);

  banned(cause: BanCause): void {
    this.bans[cause] = (this.bans[cause] ?? 0) + 1;
  }

  disconnected(peer: Peer, reason: DisconnectReason): void {
    this.disconnects[reason] = (this.disconnects[reason] ?? 0) + 1;
    this.received[peer.link.wire] += peer.received.total;
    this.sent[peer.link.wire] += peer.sent.total;
  }
}
