import type { Peer } from '../peer.ts';

/** Weighs interested peers when there are more than slots. One policy is one file beside this. */
export interface ChokingPolicy {
  /** The same peers, those who should be sent to first. `now` in milliseconds. */
  rank(peers: readonly Peer[], now: number): Peer[];
}
