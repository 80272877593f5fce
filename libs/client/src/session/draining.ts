import type { Timers } from '@pixtorrent/core';
import type { Torrent } from '@pixtorrent/engine';
import { pause } from './pause.ts';

/** What would be lost if this node went now, as far as it sees: which are its connected peers and those whom it met just now. */
export interface DrainProgress {
  /** Pieces that only this node has. */
  readonly sole: number;
  readonly soleBytes: number;
  /** Connected peers that want something from here. Where there are none, waiting is in vain until one comes. */
  readonly takers: number;
}

/** How often it is looked whether something has changed, milliseconds. */
const PERIOD = 100;

/** Tells how a node that drains gets on: at once, at each change, and last with `sole` 0. */
export async function* drainProgress(
  torrent: Torrent,
  timers: Timers,
  signal: AbortSignal | undefined,
): AsyncGenerator<DrainProgress, void, void> {
  let last: DrainProgress | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const progress = progressOf(torrent);
    if (progress.sole !== last?.sole || progress.takers !== last.takers) yield progress;
    if (progress.sole === 0) return;
    last = progress;
    await pause(timers, PERIOD, signal);
  }
}

function progressOf(torrent: Torrent): DrainProgress {
  let takers = 0;
  for (const peer of torrent.peers) if (peer.wantsData) takers++;
  const { sole, soleBytes } = torrent.availability();
  return { sole, soleBytes, takers };
}
