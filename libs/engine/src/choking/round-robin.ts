import type { Peer } from '../peer.ts';
import type { ChokingPolicy } from './policy.ts';

/** How long a peer keeps its slot before others come first, milliseconds. */
const TURN = 20_000;

/**
 * While seeding: everybody in turn. Those in the middle of their turn keep it, the fastest first, since what they
 * take spreads soonest; then come those who have waited longest.
 */
export class RoundRobin implements ChokingPolicy {
  rank(peers: readonly Peer[], now: number): Peer[] {
    const inTurn = (peer: Peer) => !peer.choked && now - peer.unchokedAt < TURN;
    return [...peers].sort((a, b) => {
      const aInTurn = inTurn(a);
      if (aInTurn !== inTurn(b)) return aInTurn ? -1 : 1;
      return aInTurn ? b.sent.rate(now) - a.sent.rate(now) : a.unchokedAt - b.unchokedAt;
    });
  }
}
