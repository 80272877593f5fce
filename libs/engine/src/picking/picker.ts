import type { Peer } from '../peer.ts';

/** Decides which piece is begun next. One policy is one file beside this. */
export interface PiecePicker {
  /** A piece that the peer has, that can be begun and that `allowed` lets through; -1 where there is none. */
  pick(peer: Peer, allowed: (piece: number) => boolean): number;
  /** A piece that was here is missing again. */
  rewind?(): void;
}
