import type { Timer } from '@pixtorrent/core';
import { BLOCK_LENGTH } from '@pixtorrent/peer-protocol';
import type { Peer } from '../peer.ts';
import type { Deadlines } from '../picking/deadlines.ts';
import type { PiecePicker } from '../picking/picker.ts';
import type { ActivePiece } from '../pieces/active-piece.ts';
import { takeFromAll, waitForAll } from '../rates/token-bucket.ts';
import type { Suspects } from '../reputation/suspects.ts';
import type { Swarm } from '../swarm.ts';
import { type Duplicate, findDuplicate } from './endgame.ts';
import { Hurry } from './hurry.ts';
import { isLate, Withdrawals } from './withdrawals.ts';

/**
 * A PixWire request is at least this long where the piece is, bytes: below it the frames cost more than they save.
 * Also the length of the first requests, before the peer's rate is known.
 */
const MIN_RANGE = 64 * 1024;
/** But it takes no longer than this, milliseconds: what comes by a slow line must not look like silence. */
const MAX_RANGE_TIME = 2000;
/** Bytes, or pieces where they are more, that a peer may give before one piece of it was found right. */
const UNPROVEN_BYTES = 4 * 1024 * 1024;
const UNPROVEN_PIECES = 2;

/**
 * Keeps the request window of every peer full: first what somebody waits for, then begun pieces, then a new one by
 * the picker's choice, at the end what others are slow with. One instance per torrent.
 */
export class Downloader {
  readonly #swarm: Swarm;
  readonly #picker: PiecePicker;
  readonly #deadlines: Deadlines;
  readonly #suspects: Suspects;
  readonly #withdrawals: Withdrawals;
  readonly #hurry: Hurry;
  readonly #unprovenLimit: number;
  readonly #starved = new Set<Peer>();
  #kick: Timer | undefined;
  #kickDue = 0;
  /** When the last refusal ends. */
  #refusedUntil = 0;
  #candidate: Peer | undefined;
  readonly #allowed = (piece: number) => !this.isRefused(this.#candidate!, piece);

  constructor(swarm: Swarm, picker: PiecePicker, deadlines: Deadlines, suspects: Suspects) {
    this.#swarm = swarm;
    this.#picker = picker;
    this.#deadlines = deadlines;
    this.#suspects = suspects;
    this.#withdrawals = new Withdrawals(swarm);
    this.#hurry = new Hurry(swarm, deadlines, this.#withdrawals, this);
    this.#unprovenLimit = Math.max(UNPROVEN_BYTES, UNPROVEN_PIECES * swarm.pieces.shape.pieceLength);
  }

  /** Asks the peer for as much as its window takes. */
  fill(peer: Peer): void {
    this.#starved.delete(peer);
    if (!peer.open || peer.chokesUs || peer.useful === 0 || this.#swarm.draining) return;
    const { downloadLimits = [] } = this.#swarm.options;
    while (this.#hasRoom(peer)) {
      const wait = waitForAll(downloadLimits, this.#now());
      if (wait > 0) {
        this.#starved.add(peer);
        this.#kickAfter(wait);
        return;
      }
      if (!this.#askNext(peer)) {
        this.#starved.add(peer);
        return;
      }
    }
  }

  /** There is memory again: it has to be taken within this call, or others who wait are served first. */
  memoryAvailable(): void {
    for (const peer of [...this.#starved]) this.fill(peer);
  }

  /** Something became available that peers without work may be asked for. */
  fillStarved(): void {
    if (this.#starved.size > 0) this.#kickAfter(0);
  }

  /** Somebody waits for pieces: they are asked for even where every window is full. */
  hurry(): void {
    if (!this.#swarm.draining) this.#hurry.soon();
  }

  /** Whether somebody waits for the piece. */
  isUrgent(piece: number): boolean {
    return this.#deadlines.has(piece);
  }

  /** Looks for those who could give sooner what somebody waits for; to be called now and then. */
  hurryLate(): void {
    if (!this.#swarm.draining) this.#hurry.late();
  }

  /** The peer can give a piece that it could not give before. */
  gained(peer: Peer, piece: number): void {
    if (this.#deadlines.has(piece)) this.hurry();
    if (peer.requests.count === 0) this.fill(peer);
  }

  /** Asks the peer for some of a piece that can be begun, or has blocks that nobody was asked for. */
  askPiece(peer: Peer, piece: number): boolean {
    const active = this.#swarm.pieces.active.get(piece) ?? this.#begin(peer, piece);
    return active !== undefined && this.#ask(peer, active, active.missingOffset());
  }

  /** A piece to which the peer contributed was right. */
  proved(peer: Peer): void {
    peer.proven = true;
    this.fill(peer);
  }

  choked(peer: Peer): void {
    if (peer.link.rejects) return;
    peer.strayCredit += peer.requests.bytes;
    this.#withdrawals.all(peer);
    this.fillStarved();
  }

  /** The peer has left: what it was asked for can be asked of others. */
  gone(peer: Peer): void {
    this.#starved.delete(peer);
    this.#withdrawals.all(peer);
    for (const active of this.#swarm.pieces.active.values()) {
      if (active.only === peer.serial) active.only = undefined;
    }
    this.fillStarved();
  }

  rejected(peer: Peer, piece: number, offset: number, length: number): void {
    const exact = peer.requests.find(piece, offset, length);
    const position = exact >= 0 ? exact : peer.requests.find(piece, offset);
    if (position < 0) return;
    const asked = peer.requests.lengthAt(position);
    if (length > asked || (length < asked && length % BLOCK_LENGTH !== 0)) {
      this.#swarm.protocolError(peer, 'a refusal that does not fit its request');
      return;
    }
    const marked = peer.requests.isMarked(position);
    peer.requests.consume(position, length);
    if (marked) this.#withdrawals.settled(piece);
    else {
      if (!peer.chokesUs) this.#refuse(peer, piece);
      this.#withdrawals.drop(piece, offset, length);
      this.fillStarved();
    }
    this.fill(peer);
  }

  /** @returns whether the payload that begins is wanted */
  blockBegin(peer: Peer, piece: number, offset: number, length: number): boolean {
    const position = peer.requests.find(piece, offset);
    if (position < 0) return this.#stray(peer, length);
    const asked = peer.requests.lengthAt(position);
    if (length > asked || (length < asked && length % BLOCK_LENGTH !== 0)) {
      this.#swarm.protocolError(peer, 'an answer that does not fit its request');
      return false;
    }
    const marked = peer.requests.isMarked(position);
    peer.window.begin(peer.requests.timeAt(position));
    peer.requests.consume(position, length);
    peer.lastDataAt = this.#now();
    const active = this.#swarm.pieces.active.get(piece);
    if (marked) active?.request(offset, length);
    const wanted = active !== undefined && !active.complete && active.begin(offset, length);
    if (active) this.#withdrawals.reopen(active);
    if (wanted) {
      peer.landing = piece;
      peer.landingLength = length;
    } else {
      const duplicate = active !== undefined || this.#swarm.pieces.have.has(piece);
      this.#swarm.dependencies.events?.wasted?.(length, duplicate ? 'duplicate' : 'unasked');
      // No end of a block will come to ask on.
      this.#starved.add(peer);
      this.fillStarved();
    }
    return wanted;
  }

  blockEnd(peer: Peer, piece: number, offset: number, length: number): void {
    const now = this.#now();
    peer.lastDataAt = now;
    peer.landing = -1;
    if (peer.snubbed) this.#swarm.reputation.gave(peer.key);
    peer.snubbed = false;
    if (!peer.proven) peer.unproven += length;
    peer.received.add(length, now);
    this.#swarm.received.add(length, now);
    peer.window.delivered(length, now);
    const { pieces, dependencies } = this.#swarm;
    const active = pieces.active.get(piece);
    if (active) {
      active.end(offset, length, peer.serial);
      if (active.hasRequesters(offset, length)) this.#cancelElsewhere(active, offset, length);
      if (active.complete) {
        pieces.stored(active);
        pieces.verifying(active);
        dependencies.pieces.verify(piece);
      }
    }
    this.fill(peer);
  }

  blockAbort(piece: number, offset: number, length: number): void {
    const active = this.#swarm.pieces.active.get(piece);
    if (!active) return;
    active.abort(offset, length);
    if (active.untouched) this.#withdrawals.abandon(active);
    else this.#withdrawals.reopen(active);
    this.fillStarved();
  }

  /** Frees what the peer is late with, so that others can be asked; late answers are still taken. */
  releaseLate(peer: Peer, olderThan: number): void {
    this.#withdrawals.late(peer, olderThan);
    this.fillStarved();
  }

  stop(): void {
    this.#hurry.stop();
    this.#kick?.cancel();
    this.#kick = undefined;
    this.#starved.clear();
  }

  #hasRoom(peer: Peer): boolean {
    const { requests, window } = peer;
    if (isLate(peer)) return false;
    if (!peer.proven && peer.unproven + requests.bytes >= this.#unprovenLimit) return this.#mayTryOn(peer);
    if (requests.count === 0) return true;
    return requests.bytes < window.size && requests.bytes + BLOCK_LENGTH <= peer.acceptedWindow;
  }

  /** It has given a lot, and nothing of it was found right yet: no more before a hash tells, if one is to tell. */
  #mayTryOn(peer: Peer): boolean {
    if (peer.requests.count > 0) return false;
    for (const active of this.#swarm.pieces.active.values()) {
      if (!active.complete || !active.sources.includes(peer.serial)) continue;
      this.#starved.add(peer);
      return false;
    }
    return true;
  }

  #askNext(peer: Peer): boolean {
    const { pieces } = this.#swarm;
    this.#candidate = peer;
    if (this.#deadlines.waiting) {
      const urgent = this.#deadlines.next(peer, this.#allowed);
      if (urgent >= 0 && this.askPiece(peer, urgent)) return true;
      // The next one that somebody waits for should not wait behind much that nobody waits for.
      if (peer.requests.count > 0 && peer.requests.bytes >= peer.window.shallow) return false;
    }
    for (const active of pieces.open) {
      if (!peer.has.has(active.piece) || this.isRefused(peer, active.piece)) continue;
      if (active.only !== undefined && active.only !== peer.serial) continue;
      return this.#ask(peer, active, active.missingOffset());
    }
    const piece = this.#picker.pick(peer, this.#allowed);
    if (piece >= 0) return this.askPiece(peer, piece);
    return pieces.availability.size === 0 && pieces.open.size === 0 && this.#askDuplicate(peer);
  }

  /** @returns undefined while there is no memory for it */
  #begin(peer: Peer, piece: number): ActivePiece | undefined {
    const memory = this.#swarm.dependencies.pieces;
    if (!memory.reserve(piece) && !(this.#reclaim() && memory.reserve(piece))) return undefined;
    const active = this.#swarm.pieces.begin(piece);
    if (this.#suspects.has(piece)) active.only = peer.serial;
    return active;
  }

  #ask(peer: Peer, active: ActivePiece, offset: number): boolean {
    const length = active.missingRun(offset, this.#rangeLimit(peer));
    active.request(offset, length);
    if (active.missing === 0) this.#swarm.pieces.open.delete(active);
    return this.#send(peer, active.piece, offset, length);
  }

  #askDuplicate(peer: Peer): boolean {
    const duplicate = findDuplicate(this.#swarm, peer, this.#now());
    return duplicate !== undefined && this.askAgain(peer, duplicate);
  }

  /** Asks the peer for what another one was asked for. */
  askAgain(peer: Peer, { active, offset, length }: Duplicate): boolean {
    if (this.isRefused(peer, active.piece)) return false;
    const part = Math.min(length, this.#rangeLimit(peer));
    active.request(offset, part);
    return this.#send(peer, active.piece, offset, part);
  }

  #send(peer: Peer, piece: number, offset: number, length: number): boolean {
    const now = this.#now();
    if (peer.requests.count === 0) {
      peer.window.resume(now);
      peer.lastDataAt = now;
    }
    peer.requests.push(piece, offset, length, now);
    peer.link.request(piece, offset, length);
    takeFromAll(this.#swarm.options.downloadLimits ?? [], length, now);
    return true;
  }

  #rangeLimit(peer: Peer): number {
    if (peer.link.wire === 'bep3') return BLOCK_LENGTH;
    const { rangeTarget, hurriedRangeTarget, maxRange } = this.#swarm.tuning;
    const { rate, size } = peer.window;
    const [min, target] = this.#hurry.lately ? [BLOCK_LENGTH, hurriedRangeTarget] : [MIN_RANGE, rangeTarget];
    const least = rate === 0 ? MIN_RANGE : Math.min(min, rate * MAX_RANGE_TIME);
    const limit = Math.min(Math.max(rate * target, least), maxRange, peer.maxRequest, size);
    const room = Math.min(limit, peer.acceptedWindow - peer.requests.bytes);
    return Math.max(1, Math.floor(room / BLOCK_LENGTH)) * BLOCK_LENGTH;
  }

  /** Gives up a piece that nobody would go on with now: its peers are gone, choke or refuse. */
  #reclaim(): boolean {
    for (const active of this.#swarm.pieces.open) {
      if (!active.idle || this.#hasGiver(active)) continue;
      this.#withdrawals.abandon(active);
      return true;
    }
    return false;
  }

  #hasGiver({ piece, only }: ActivePiece): boolean {
    for (const peer of this.#swarm.peers) {
      if (peer.chokesUs || isLate(peer) || !peer.has.has(piece) || this.isRefused(peer, piece)) continue;
      if (only === undefined || only === peer.serial) return true;
    }
    return false;
  }

  #cancelElsewhere(active: ActivePiece, offset: number, length: number): void {
    for (const other of this.#swarm.peers) {
      const { requests } = other;
      for (let i = requests.count - 1; i >= 0; i--) {
        if (requests.pieceAt(i) !== active.piece || requests.isMarked(i)) continue;
        const start = requests.offsetAt(i);
        if (start >= offset + length || offset >= start + requests.lengthAt(i)) continue;
        this.#withdrawals.cancel(other, i);
        this.#starved.add(other);
      }
    }
    this.fillStarved();
  }

  #stray(peer: Peer, length: number): boolean {
    if (peer.strayCredit < length) this.#swarm.protocolError(peer, 'data that was not asked for');
    else peer.strayCredit -= length;
    this.#swarm.dependencies.events?.wasted?.(length, 'unasked');
    return false;
  }

  #refuse(peer: Peer, piece: number): void {
    const now = this.#now();
    this.#refusedUntil = now + this.#swarm.tuning.refusalTime;
    peer.refused.add(piece, this.#refusedUntil, now);
    this.#kickAfter(this.#swarm.tuning.refusalTime);
  }

  isRefused(peer: Peer, piece: number): boolean {
    return peer.refused.has(piece, this.#now());
  }

  #kickAfter(delay: number): void {
    const due = this.#now() + delay;
    if (this.#kick) {
      if (this.#kickDue <= due) return;
      this.#kick.cancel();
    }
    this.#kickDue = due;
    this.#kick = this.#swarm.dependencies.timers.after(delay, () => {
      this.#kick = undefined;
      for (const peer of [...this.#starved]) this.fill(peer);
      // An earlier kick takes the place of a later one: what is refused until then is still to be asked for again.
      const now = this.#now();
      if (this.#refusedUntil > now && this.#starved.size > 0) this.#kickAfter(this.#refusedUntil - now);
    });
  }

  #now(): number {
    return this.#swarm.dependencies.clock.now();
  }
}
