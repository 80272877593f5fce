import type { Peer } from '../peer.ts';
import type { ChokingPolicy } from './policy.ts';

/** How long a peer keeps its slot before others come first, milliseconds. */
const TURN = 20_000;

/**
 * While seeding: everybody in turn. Those in the middle of their turn keep it, the fastest first, since what they
 * take spreads soonest; then come those who wait, longest first; last those whose turn is over.
 */
export class RoundRobin implements ChokingPolicy {
  rank(peers: readonly Peer[], now: number): Peer[] {
    const place = (peer: Peer) => (peer.choked ? 1 : now - peer.unchokedAt < TURN ? 0 : 2);
    return [...peers].sort((a, b) => {
      const placeOfA = place(a);
      const order = placeOfA - place(b);
      if (order !== 0) return order;
      return placeOfA === 0 ? b.sent.rate(now) - a.sent.rate(now) : a.unchokedAt - b.unchokedAt;
    });
  }
}
