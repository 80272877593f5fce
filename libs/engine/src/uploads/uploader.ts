import type { Timer } from '@pixtorrent/core';
import type { Peer } from '../peer.ts';
import { takeFromAll, waitForAll } from '../rates/token-bucket.ts';
import type { Swarm } from '../swarm.ts';
import { FreshPieces } from './fresh-pieces.ts';

/** Ranges that one peer may queue here, whatever their length. */
const MAX_QUEUED_RANGES = 8192;
/** Who took requests back is expected to do so again for so long, milliseconds. */
const HURRIED_FOR = 10_000;
/** Ranges of one peer among which one is chosen. */
const MAX_LOOK = 256;

/**
 * Answers requests: one range a peer in turn, as long as the peer's connection takes more and the limits allow.
 * Every request is answered once, by data or a Reject.
 */
export class Uploader {
  readonly #swarm: Swarm;
  readonly fresh: FreshPieces;
  /** Peers with something queued and room in their connection, in turn. */
  readonly #ready: Peer[] = [];
  #timer: Timer | undefined;
  #pumping = false;

  constructor(swarm: Swarm) {
    this.#swarm = swarm;
    this.fresh = new FreshPieces(swarm);
  }

  requested(peer: Peer, piece: number, offset: number, length: number): void {
    const { pieces, tuning } = this.#swarm;
    if (
      peer.choked ||
      !pieces.have.has(piece) ||
      peer.uploads.count >= MAX_QUEUED_RANGES ||
      (peer.uploads.count > 0 && peer.uploads.bytes + length > tuning.uploadQueue) ||
      this.fresh.refuses(peer, piece, this.#now())
    ) {
      peer.link.reject(piece, offset, length);
      return;
    }
    this.fresh.gave(peer, piece, this.#now());
    peer.uploads.push(piece, offset, length, this.#now());
    this.#enqueue(peer);
    this.#pump();
  }

  cancelled(peer: Peer, piece: number, offset: number, length: number): void {
    peer.cancelledAt = this.#now();
    const position = peer.uploads.find(piece, offset, length);
    if (position < 0) return;
    peer.uploads.remove(position);
    peer.link.reject(piece, offset, length);
  }

  sent(peer: Peer, length: number): void {
    const now = this.#now();
    peer.inFlight -= length;
    peer.pace.add(length, now);
    peer.sent.add(length, now);
    this.#swarm.sent.add(length, now);
    peer.lastSentAt = now;
    this.#enqueue(peer);
    this.#pump();
  }

  /** A block that was handed to the link could not be read after all. */
  notSent(peer: Peer, piece: number, offset: number, length: number): void {
    peer.inFlight -= length;
    peer.link.reject(piece, offset, length);
    this.#enqueue(peer);
    this.#pump();
  }

  /** The peer is choked from now on: what it waits for will not come. */
  dropQueue(peer: Peer): void {
    const { uploads } = peer;
    for (let i = 0; i < uploads.count; i++) {
      peer.link.reject(uploads.pieceAt(i), uploads.offsetAt(i), uploads.lengthAt(i));
    }
    uploads.clear();
  }

  /** The disk has lost the piece. */
  dropPiece(piece: number): void {
    for (const { uploads, link } of this.#swarm.peers) {
      for (let i = uploads.count - 1; i >= 0; i--) {
        if (uploads.pieceAt(i) !== piece) continue;
        link.reject(piece, uploads.offsetAt(i), uploads.lengthAt(i));
        uploads.remove(i);
      }
    }
  }

  gone(peer: Peer): void {
    peer.uploads.clear();
    this.fresh.gone(peer);
  }

  /** A limit has changed. */
  limitChanged(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#pump();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#ready.length = 0;
  }

  #enqueue(peer: Peer): void {
    if (peer.queuedForUpload || !this.#canSend(peer)) return;
    peer.queuedForUpload = true;
    this.#ready.push(peer);
  }

  #canSend(peer: Peer): boolean {
    if (!peer.open || peer.uploads.count === 0) return false;
    const { tuning } = this.#swarm;
    const hurried = this.#now() - peer.cancelledAt < HURRIED_FOR;
    const least = hurried ? tuning.hurriedInFlight : tuning.inFlight;
    const time = hurried ? tuning.hurriedInFlightTime : tuning.inFlightTime;
    return peer.inFlight < Math.max(least, peer.pace.rate * time);
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    const { uploadLimits = [] } = this.#swarm.options;
    while (this.#ready.length > 0) {
      const wait = waitForAll(uploadLimits, this.#now());
      if (wait > 0) {
        this.#timer ??= this.#swarm.dependencies.timers.after(wait, () => {
          this.#timer = undefined;
          this.#pump();
        });
        break;
      }
      const peer = this.#next();
      peer.queuedForUpload = false;
      if (!this.#canSend(peer)) continue;
      this.#sendOne(peer);
      this.#enqueue(peer);
    }
    this.#pumping = false;
  }

  /** The peer whose turn it is; before this node leaves, the first of those who take what only it has. */
  #next(): Peer {
    const first = this.#swarm.draining ? this.#ready.findIndex((peer) => this.#soleAt(peer) >= 0) : 0;
    return first > 0 ? this.#ready.splice(first, 1)[0]! : this.#ready.shift()!;
  }

  /** Where in the peer's queue the first range is that only this node has; -1: nowhere, as far as is looked. */
  #soleAt({ uploads }: Peer): number {
    const { availability } = this.#swarm.pieces;
    if (availability.sole === 0) return -1;
    const end = Math.min(uploads.count, MAX_LOOK);
    for (let i = 0; i < end; i++) if (availability.isSole(uploads.pieceAt(i))) return i;
    return -1;
  }

  #sendOne(peer: Peer): void {
    const { uploads } = peer;
    const position = this.#swarm.draining ? Math.max(0, this.#soleAt(peer)) : 0;
    const piece = uploads.pieceAt(position);
    const offset = uploads.offsetAt(position);
    const length = uploads.lengthAt(position);
    uploads.remove(position);
    peer.inFlight += length;
    takeFromAll(this.#swarm.options.uploadLimits ?? [], length, this.#now());
    peer.link.sendBlock(piece, offset, length);
  }

  #now(): number {
    return this.#swarm.dependencies.clock.now();
  }
}
