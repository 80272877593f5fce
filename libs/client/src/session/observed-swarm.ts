import type { Logger } from '@pixtorrent/core';
import type { SwarmEvents } from '@pixtorrent/engine';
import { type Metainfo, pieceSize } from '@pixtorrent/metainfo';
import type { ClientCounters } from '../figures/client-counters.ts';

/** What of a swarm its session does something about. */
export type SessionConcerns = Required<
  Pick<
    SwarmEvents,
    | 'pieceVerified'
    | 'pieceFailed'
    | 'peerConnected'
    | 'peerDisconnected'
    | 'peerBanned'
    | 'wasted'
    | 'complete'
  >
>;

/** Counts and logs what happens in a swarm, and tells its session. */
export function observedSwarm(
  { metainfo, counters, logger }: { metainfo: Metainfo; counters: ClientCounters; logger: Logger },
  session: SessionConcerns,
): SwarmEvents {
  return {
    pieceVerified: (piece, remaining) => {
      counters.piecesVerified++;
      counters.useful += pieceSize(metainfo, piece);
      session.pieceVerified(piece, remaining);
    },
    pieceFailed: (piece, contributors) => {
      counters.piecesFailed++;
      counters.wasted += pieceSize(metainfo, piece);
      logger.warn('piece failed its hash', { piece, contributors });
      session.pieceFailed(piece, contributors);
    },
    peerConnected: (peer) => {
      logger.debug('peer connected', { peer });
      session.peerConnected(peer);
    },
    peerDisconnected: (key, reason, peer) => {
      counters.disconnected(peer, reason);
      logger.debug('peer disconnected', { peer: key, reason });
      session.peerDisconnected(key, reason, peer);
    },
    peerBanned: (peer, cause) => {
      counters.banned(cause);
      logger.warn('peer banned', { peer, cause });
      session.peerBanned(peer, cause);
    },
    wasted: (bytes, cause) => {
      if (cause === 'duplicate') counters.duplicate += bytes;
      else counters.wasted += bytes;
      session.wasted(bytes, cause);
    },
    complete: session.complete,
  };
}
