import type { Bitfield } from '@pixtorrent/core';
import type { KnownNode } from './known-node.ts';
import { Rate } from './rate.ts';
import type { PeerBytes } from './report.ts';
import type { Transfer } from './transfer.ts';

/** Most members move nothing: they share one list of nobody. */
export const NOBODY: readonly PeerBytes[] = [];

/** What one node has of one torrent. */
export class Member {
  readonly node: KnownNode;
  /** Its number among the members of the swarm that are there. */
  readonly slot: number;
  readonly pieces: Bitfield;
  /** When it was heard of first, and when it was whole: milliseconds. */
  readonly since: number;
  wholeAt: number | undefined;
  /** It had all of it when it was first heard of. */
  readonly startedWhole: boolean;
  /** And nothing of that from others. */
  readonly origin: boolean;
  partial = false;
  announced = false;
  /** As it reported them last. */
  counters: Transfer | undefined;
  stalledMs = 0;
  connected = 0;
  peers = NOBODY;
  readonly down: Rate;
  readonly up: Rate;
  /** Since when its pieces wait for a snapshot to tell whether they are still so. */
  doubtedAt: number | undefined;

  constructor(node: KnownNode, slot: number, pieces: Bitfield, origin: boolean, now: number) {
    this.node = node;
    this.slot = slot;
    this.pieces = pieces;
    this.startedWhole = pieces.complete;
    this.origin = origin;
    this.since = now;
    this.wholeAt = pieces.complete ? now : undefined;
    this.down = new Rate(now);
    this.up = new Rate(now);
  }
}
