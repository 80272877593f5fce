import type { Timer } from '@pixtorrent/core';
import type { Peer } from '../peer.ts';
import type { Swarm } from '../swarm.ts';

/** Pieces in one Have frame before it is sent without waiting (docs/protocol/pixwire.md). */
const BATCH = 64;

/**
 * Tells peers of new pieces. On PixWire they are gathered for up to 50 ms; a peer that waits for nothing from here
 * is told at once, since it may have nothing else to do. On BEP 3 each goes out with what else is sent that turn.
 */
export class HaveAnnouncer {
  readonly #swarm: Swarm;
  #timer: Timer | undefined;

  constructor(swarm: Swarm) {
    this.#swarm = swarm;
  }

  announce(piece: number): void {
    for (const peer of this.#swarm.peers) {
      if (peer.link.wire === 'bep3') {
        peer.link.have(piece);
        continue;
      }
      peer.pendingHaves.push(piece);
      const idle = peer.uploads.count === 0 && !peer.seed;
      if (idle || peer.pendingHaves.length >= BATCH) this.flush(peer);
      else this.#schedule();
    }
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedule(): void {
    const { dependencies, tuning } = this.#swarm;
    this.#timer ??= dependencies.timers.after(tuning.haveDelay, () => {
      this.#timer = undefined;
      for (const peer of this.#swarm.peers) this.flush(peer);
    });
  }

  /** Tells the peer now of what it was not told yet. */
  flush(peer: Peer): void {
    for (const piece of peer.pendingHaves) peer.link.have(piece);
    peer.pendingHaves.length = 0;
  }
}
