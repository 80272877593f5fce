import type { Timer } from '@pixtorrent/core';
import type { Peer } from '../peer.ts';
import type { Swarm } from '../swarm.ts';
import type { Uploader } from '../uploads/uploader.ts';
import type { ChokingPolicy } from './policy.ts';
import { Reciprocal } from './reciprocal.ts';
import { RoundRobin } from './round-robin.ts';

/**
 * Decides who is sent to. While there are slots left whoever comes gets one at once and keeps it, interested or not: who
 * wants something later asks for it without waiting for a word. Those who want something take the slots of those who
 * do not; when there are more takers than slots, rounds weigh them by the policy of the moment, and one slot goes to a
 * peer by chance (BEP 3).
 */
export class Choker {
  readonly #swarm: Swarm;
  readonly #uploader: Uploader;
  readonly #leeching: ChokingPolicy = new Reciprocal();
  readonly #seeding: ChokingPolicy = new RoundRobin();
  #optimistic: Peer | undefined;
  #optimisticSince = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(swarm: Swarm, uploader: Uploader) {
    this.#swarm = swarm;
    this.#uploader = uploader;
  }

  /** Goes on as long as there are peers. */
  start(): void {
    const { dependencies, tuning } = this.#swarm;
    this.#timer ??= dependencies.timers.after(tuning.chokeInterval, () => {
      this.#timer = undefined;
      if (this.#swarm.peers.size > 0) this.start();
      this.round();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** A peer has come. */
  joined(peer: Peer): void {
    if (this.#unchokedCount() < this.#slots) this.#unchoke(peer);
  }

  interestChanged(peer: Peer): void {
    if (peer.wantsData) this.#admit(peer);
    else if (!peer.choked && this.#waiting().length > 0) {
      this.#choke(peer);
      this.#fillFreeSlot();
    }
  }

  gone(peer: Peer): void {
    if (this.#optimistic === peer) this.#optimistic = undefined;
    if (!peer.choked) this.#fillFreeSlot();
  }

  /** Weighs those who want something. */
  round(): void {
    const now = this.#swarm.dependencies.clock.now();
    const takers = [...this.#swarm.peers].filter((peer) => peer.wantsData);
    const uploadSlots = this.#slots;
    let chosen: Peer[];
    if (takers.length <= uploadSlots) {
      const idle = [...this.#swarm.peers].filter((peer) => !peer.wantsData && !peer.choked);
      chosen = [...takers, ...idle.slice(0, uploadSlots - takers.length)];
    } else {
      const ranked = this.#policy().rank(takers, now);
      chosen = ranked.slice(0, uploadSlots - 1);
      chosen.push(this.#chooseOptimistic(ranked.slice(uploadSlots - 1), now));
    }
    const keep = new Set(chosen);
    for (const peer of this.#swarm.peers) if (!peer.choked && !keep.has(peer)) this.#choke(peer);
    for (const peer of chosen) this.#unchoke(peer);
  }

  /** A node that leaves turns nobody away: whoever wants something may take what nobody else has. */
  get #slots(): number {
    return this.#swarm.draining ? Number.POSITIVE_INFINITY : this.#swarm.tuning.uploadSlots;
  }

  #policy(): ChokingPolicy {
    return this.#swarm.pieces.complete ? this.#seeding : this.#leeching;
  }

  #chooseOptimistic(others: readonly Peer[], now: number): Peer {
    const { dependencies, tuning } = this.#swarm;
    const stays = this.#optimistic && others.includes(this.#optimistic);
    if (!stays || now - this.#optimisticSince >= tuning.optimisticInterval) {
      this.#optimistic = others[dependencies.random.below(others.length)]!;
      this.#optimisticSince = now;
    }
    return this.#optimistic!;
  }

  /** Gives a slot to who wants something from now on, if there is one that nobody makes use of. */
  #admit(peer: Peer): void {
    if (!peer.choked) {
      // Its turn begins now.
      peer.unchokedAt = this.#swarm.dependencies.clock.now();
      return;
    }
    if (this.#unchokedCount() >= this.#slots) {
      const idle = [...this.#swarm.peers].find((other) => !other.choked && !other.wantsData);
      if (idle === undefined) return;
      this.#choke(idle);
    }
    this.#unchoke(peer);
  }

  #waiting(): Peer[] {
    return [...this.#swarm.peers].filter((peer) => peer.wantsData && peer.choked && peer.open);
  }

  #fillFreeSlot(): void {
    const waiting = this.#waiting();
    if (waiting.length === 0 || this.#unchokedCount() >= this.#slots) return;
    this.#unchoke(this.#policy().rank(waiting, this.#swarm.dependencies.clock.now())[0]!);
  }

  #unchokedCount(): number {
    let count = 0;
    for (const peer of this.#swarm.peers) if (!peer.choked) count++;
    return count;
  }

  #unchoke(peer: Peer): void {
    if (!peer.choked) return;
    peer.choked = false;
    peer.unchokedAt = this.#swarm.dependencies.clock.now();
    peer.link.unchoke();
  }

  #choke(peer: Peer): void {
    peer.choked = true;
    peer.link.choke();
    this.#uploader.dropQueue(peer);
  }
}
