import type { Peer } from '../peer.ts';
import type { ActivePiece } from '../pieces/active-piece.ts';
import type { Swarm } from '../swarm.ts';

/** A request that another peer is expected to answer too late. */
export interface Duplicate {
  readonly active: ActivePiece;
  readonly offset: number;
  readonly length: number;
}

/** Requests that a peer may have outstanding and still be given what others are slow with. */
const MAX_OUTSTANDING = 2;
/** Requests of others looked at in one search. */
const MAX_LOOKED_AT = 4096;
/** A second request pays when it is answered in this part of the time that the first still needs. */
const WORTH = 0.5;
/** Milliseconds that are taken for the answer of a peer that has not answered yet. */
const UNKNOWN_ANSWER = 200;

/**
 * The end of a download: everything is asked for, and a peer without work can only repeat what others were asked
 * for. It takes the request that will be answered last, if it can answer it in half of the time; each block is
 * asked of two peers at most, so the end does not flood.
 */
export function findDuplicate(swarm: Swarm, peer: Peer, now: number): Duplicate | undefined {
  if (peer.requests.count >= MAX_OUTSTANDING) return undefined;
  let best: Duplicate | undefined;
  let latest = 0;
  let looked = 0;
  for (const other of swarm.peers) {
    const { requests } = other;
    if (other === peer || requests.count === 0) continue;
    let ahead = 0;
    for (let i = 0; i < requests.count; i++) {
      if (++looked > MAX_LOOKED_AT) return best;
      const length = requests.lengthAt(i);
      ahead += length;
      const active = requests.isMarked(i) ? undefined : swarm.pieces.active.get(requests.pieceAt(i));
      if (!active || !peer.has.has(active.piece)) continue;
      if (active.only !== undefined && active.only !== peer.serial) continue;
      const offset = requests.offsetAt(i);
      const expected = timeFor(other, ahead, now - requests.timeAt(i));
      if (expected <= latest || timeFor(peer, peer.requests.bytes + length, 0) > expected * WORTH) continue;
      if (!active.askedOnce(offset, length)) continue;
      latest = expected;
      best = { active, offset, length };
    }
  }
  return best;
}

/** Milliseconds until the peer has delivered `bytes`; one that is overdue needs as long again as it has waited. */
function timeFor(peer: Peer, bytes: number, waited: number): number {
  const { rate, latency } = peer.window;
  if (rate === 0) return Math.max(UNKNOWN_ANSWER, waited);
  return Math.max(Math.max(0, latency - waited) + bytes / rate, waited - latency - bytes / rate);
}
