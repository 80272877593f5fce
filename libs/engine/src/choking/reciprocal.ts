import type { Peer } from '../peer.ts';
import type { ChokingPolicy } from './policy.ts';

/** While leeching: whoever gives most gets most (BEP 3). A peer that owes data and gives none counts for nothing. */
export class Reciprocal implements ChokingPolicy {
  rank(peers: readonly Peer[], now: number): Peer[] {
    const weight = (peer: Peer) => (peer.snubbed ? -1 : peer.received.rate(now));
    return [...peers].sort((a, b) => weight(b) - weight(a) || a.unchokedAt - b.unchokedAt);
  }
}
