import type { Timer } from '@pixtorrent/core';
import { BLOCK_LENGTH } from '@pixtorrent/peer-protocol';
import type { Peer } from '../peer.ts';
import type { Deadlines } from '../picking/deadlines.ts';
import type { Swarm } from '../swarm.ts';
import type { Duplicate } from './endgame.ts';
import { isLate, type Withdrawals } from './withdrawals.ts';

/** Requests that nobody waits for are taken back where they take the peer longer than this, milliseconds. */
const WORTH_CANCELLING = 10;
/** What the peer sends in this time is probably on its way already, milliseconds. */
const ON_ITS_WAY = 4;
/** A peer counts as silent after this, or two usual answers, milliseconds. */
const SILENT_AFTER = 500;
/** The most urgent pieces of which late requests are asked of a second peer. */
const LATE_LOOK = 16;

/** Milliseconds. */
const LATELY = 10_000;

/** Who asks peers: the downloader. */
interface Asker {
  askPiece(peer: Peer, piece: number): boolean;
  askAgain(peer: Peer, duplicate: Duplicate): boolean;
  isRefused(peer: Peer, piece: number): boolean;
}

/**
 * Pieces that somebody waits for are asked for at once, of who will have answered first, though every window is full
 * of other requests; those are then taken back as far as the peer would answer them before.
 */
export class Hurry {
  readonly #swarm: Swarm;
  readonly #deadlines: Deadlines;
  readonly #withdrawals: Withdrawals;
  readonly #asker: Asker;
  #timer: Timer | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(swarm: Swarm, deadlines: Deadlines, withdrawals: Withdrawals, asker: Asker) {
    this.#swarm = swarm;
    this.#deadlines = deadlines;
    this.#withdrawals = withdrawals;
    this.#asker = asker;
  }

  /** Once for all that is wanted within one turn. */
  soon(): void {
    this.#timer ??= this.#swarm.dependencies.timers.after(0, () => {
      this.#timer = undefined;
      this.#now();
    });
  }

  /** Whether somebody waited lately, and so may again. */
  get lately(): boolean {
    return this.#swarm.dependencies.clock.now() - this.#askedAt < LATELY;
  }

  /** Asks a second peer for what a first one, which has gone silent, was asked for. */
  late(): void {
    if (!this.#deadlines.waiting) return;
    const now = this.#swarm.dependencies.clock.now();
    const waited = new Set(this.#deadlines.first(LATE_LOOK));
    for (const peer of this.#swarm.peers) {
      const { requests, window } = peer;
      const usual = window.latency === Number.POSITIVE_INFINITY ? 0 : 2 * window.latency;
      if (now - peer.lastDataAt < Math.max(SILENT_AFTER, usual)) continue;
      for (let i = 0; i < requests.count; i++) {
        if (!waited.has(requests.pieceAt(i)) || requests.isMarked(i)) continue;
        this.#askAgain(peer, requests.pieceAt(i), requests.offsetAt(i), requests.lengthAt(i));
      }
    }
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #now(): void {
    /** Bytes of requests at each peer that somebody waits for. */
    const urgent = new Map<Peer, number>();
    let asked = false;
    let refused = false;
    for (const piece of this.#deadlines.first()) {
      for (;;) {
        const peer = this.#soonest(piece, urgent);
        if (!peer) break;
        const before = peer.requests.bytes;
        if (!this.#asker.askPiece(peer, piece)) {
          // All memory is taken by pieces that nobody waits for.
          if (refused) return;
          refused = true;
          this.#takeBackAll(urgent, true);
          continue;
        }
        urgent.set(peer, urgent.get(peer)! + peer.requests.bytes - before);
        asked = true;
      }
    }
    // Of all peers: what the others send shares this node's line with the answers.
    if (!asked) return;
    this.#askedAt = this.#swarm.dependencies.clock.now();
    this.#takeBackAll(urgent, false);
  }

  #askAgain(silent: Peer, piece: number, offset: number, length: number): void {
    const active = this.#swarm.pieces.active.get(piece);
    if (!active?.askedOnce(offset, length) || active.only !== undefined) return;
    const other = this.#soonest(piece, new Map(), (peer) => peer !== silent);
    if (other) this.#asker.askAgain(other, { active, offset, length });
  }

  /** @param urgent bytes that somebody waits for at each peer, as far as they were counted */
  #soonest(piece: number, urgent: Map<Peer, number>, may = this.#lacksRequests(piece)): Peer | undefined {
    let best: Peer | undefined;
    let soonest = Number.POSITIVE_INFINITY;
    for (const peer of this.#swarm.peers) {
      if (!peer.has.has(piece) || !this.#canBeAsked(peer) || this.#asker.isRefused(peer, piece)) continue;
      if (!may(peer)) continue;
      const bytes = urgent.get(peer) ?? this.#urgentBytes(peer);
      urgent.set(peer, bytes);
      if (bytes >= peer.window.size) continue;
      const time = this.#timeUntil(peer, bytes);
      if (time >= soonest) continue;
      best = peer;
      soonest = time;
    }
    return best;
  }

  #lacksRequests(piece: number): (peer: Peer) => boolean {
    return (peer) => this.#deadlines.lacksRequests(piece, peer);
  }

  /** Milliseconds until it has answered what somebody waits for; what it is sending just now is not taken back. */
  #timeUntil(peer: Peer, urgent: number): number {
    const { rate, latency } = peer.window;
    if (rate === 0) return peer.requests.bytes;
    const others = Math.min(peer.requests.bytes - urgent, rate * ON_ITS_WAY);
    return latency + (urgent + others) / rate;
  }

  #canBeAsked(peer: Peer): boolean {
    if (peer.chokesUs || !peer.open || isLate(peer)) return false;
    return peer.requests.bytes + BLOCK_LENGTH <= peer.acceptedWindow;
  }

  #urgentBytes({ requests }: Peer): number {
    let bytes = 0;
    for (let i = 0; i < requests.count; i++) {
      if (this.#deadlines.has(requests.pieceAt(i))) bytes += requests.lengthAt(i);
    }
    return bytes;
  }

  #takeBackAll(urgent: ReadonlyMap<Peer, number>, forMemory: boolean): void {
    for (const peer of this.#swarm.peers) this.#takeBack(peer, urgent.get(peer) ?? 0, forMemory);
  }

  /**
   * All but the first requests, which are probably on their way already, and those that somebody waits for.
   * @param forMemory pieces of which nothing is here are given up at once, before the peer has confirmed it
   */
  #takeBack(peer: Peer, urgent: number, forMemory: boolean): void {
    const { requests, window } = peer;
    const { rate } = window;
    if (rate === 0 || requests.bytes - urgent < rate * (ON_ITS_WAY + WORTH_CANCELLING)) return;
    let kept = 0;
    let first = 0;
    while (first < requests.count && kept < rate * ON_ITS_WAY) kept += requests.lengthAt(first++);
    for (let i = requests.count - 1; i >= first; i--) {
      const piece = requests.pieceAt(i);
      if (requests.isMarked(i) || this.#deadlines.has(piece)) continue;
      this.#withdrawals.cancel(peer, i);
      if (forMemory) this.#withdrawals.settled(piece);
    }
  }
}
