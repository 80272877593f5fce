import type { Timer } from '@pixtorrent/core';
import { BLOCK_LENGTH } from '@pixtorrent/peer-protocol';
import type { Peer } from '../peer.ts';
import type { PiecePicker } from '../picking/picker.ts';
import type { ActivePiece } from '../pieces/active-piece.ts';
import { takeFromAll, waitForAll } from '../rates/token-bucket.ts';
import type { Suspects } from '../reputation/suspects.ts';
import type { Swarm } from '../swarm.ts';
import { findDuplicate } from './endgame.ts';

/**
 * A PixWire request is at least this long where the piece is, bytes: below it the frames cost more than they save.
 * Also the length of the first requests, before the peer's rate is known.
 */
const MIN_RANGE = 64 * 1024;
/** But it takes no longer than this, milliseconds: what comes by a slow line must not look like silence. */
const MAX_RANGE_TIME = 2000;

/**
 * Keeps the request window of every peer full: begun pieces first, then a new one by the picker's choice, at the
 * end what others are slow with. One instance per torrent.
 */
export class Downloader {
  readonly #swarm: Swarm;
  readonly #picker: PiecePicker;
  readonly #suspects: Suspects;
  readonly #starved = new Set<Peer>();
  #kick: Timer | undefined;
  #kickDue = 0;
  /** When the last refusal ends. */
  #refusedUntil = 0;
  #candidate: Peer | undefined;
  readonly #allowed = (piece: number) => !this.#isRefused(this.#candidate!, piece);

  constructor(swarm: Swarm, picker: PiecePicker, suspects: Suspects) {
    this.#swarm = swarm;
    this.#picker = picker;
    this.#suspects = suspects;
  }

  /** Asks the peer for as much as its window takes. */
  fill(peer: Peer): void {
    this.#starved.delete(peer);
    if (!peer.open || peer.chokesUs || peer.useful === 0) return;
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

  choked(peer: Peer): void {
    if (peer.link.rejects) return;
    for (let i = 0; i < peer.requests.count; i++) {
      peer.strayCredit += peer.requests.lengthAt(i);
      this.#release(peer, i);
    }
    peer.requests.clear();
    this.fillStarved();
  }

  /** The peer has left: what it was asked for can be asked of others. */
  gone(peer: Peer): void {
    this.#starved.delete(peer);
    for (let i = 0; i < peer.requests.count; i++) this.#release(peer, i);
    peer.requests.clear();
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
    if (marked) this.#unmarked(piece);
    else {
      if (!peer.chokesUs) this.#refuse(peer, piece);
      this.#drop(piece, offset, length);
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
    if (active) this.#reopen(active);
    if (wanted) {
      peer.landing = piece;
      peer.landingLength = length;
    } else {
      this.#swarm.dependencies.events?.wasted?.(length);
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
    if (active.untouched) this.#abandon(active);
    else this.#reopen(active);
    this.fillStarved();
  }

  /** Frees what the peer is late with, so that others can be asked; late answers are still taken. */
  releaseLate(peer: Peer, olderThan: number): void {
    const { requests } = peer;
    for (let i = 0; i < requests.count && requests.timeAt(i) < olderThan; i++) {
      if (requests.isMarked(i)) continue;
      requests.mark(i);
      const active = this.#swarm.pieces.active.get(requests.pieceAt(i));
      if (!active) continue;
      active.drop(requests.offsetAt(i), requests.lengthAt(i));
      active.only = undefined;
      this.#reopen(active);
    }
    this.fillStarved();
  }

  stop(): void {
    this.#kick?.cancel();
    this.#kick = undefined;
    this.#starved.clear();
  }

  #hasRoom(peer: Peer): boolean {
    const { requests, window } = peer;
    if (isLate(peer)) return false;
    if (requests.count === 0) return true;
    return requests.bytes < window.size && requests.bytes + BLOCK_LENGTH <= peer.acceptedWindow;
  }

  #askNext(peer: Peer): boolean {
    const { pieces, dependencies } = this.#swarm;
    for (const active of pieces.open) {
      if (!peer.has.has(active.piece) || this.#isRefused(peer, active.piece)) continue;
      if (active.only !== undefined && active.only !== peer.serial) continue;
      return this.#ask(peer, active, active.missingOffset());
    }
    this.#candidate = peer;
    const piece = this.#picker.pick(peer, this.#allowed);
    if (piece >= 0) {
      if (!dependencies.pieces.reserve(piece) && !(this.#reclaim() && dependencies.pieces.reserve(piece)))
        return false;
      const active = pieces.begin(piece);
      if (this.#suspects.has(piece)) active.only = peer.serial;
      return this.#ask(peer, active, 0);
    }
    return pieces.availability.size === 0 && pieces.open.size === 0 && this.#askDuplicate(peer);
  }

  #ask(peer: Peer, active: ActivePiece, offset: number): boolean {
    const length = active.missingRun(offset, this.#rangeLimit(peer));
    active.request(offset, length);
    if (active.missing === 0) this.#swarm.pieces.open.delete(active);
    return this.#send(peer, active.piece, offset, length);
  }

  #askDuplicate(peer: Peer): boolean {
    const duplicate = findDuplicate(this.#swarm, peer, this.#now());
    if (!duplicate || this.#isRefused(peer, duplicate.active.piece)) return false;
    const { active, offset } = duplicate;
    const length = Math.min(duplicate.length, this.#rangeLimit(peer));
    active.request(offset, length);
    return this.#send(peer, active.piece, offset, length);
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
    const { rangeTarget, maxRange } = this.#swarm.tuning;
    const { rate, size } = peer.window;
    const least = rate === 0 ? MIN_RANGE : Math.min(MIN_RANGE, rate * MAX_RANGE_TIME);
    const limit = Math.min(Math.max(rate * rangeTarget, least), maxRange, peer.maxRequest, size);
    const room = Math.min(limit, peer.acceptedWindow - peer.requests.bytes);
    return Math.max(1, Math.floor(room / BLOCK_LENGTH)) * BLOCK_LENGTH;
  }

  #release(peer: Peer, position: number): void {
    const { requests } = peer;
    const piece = requests.pieceAt(position);
    if (requests.isMarked(position)) this.#unmarked(piece);
    else this.#drop(piece, requests.offsetAt(position), requests.lengthAt(position));
  }

  /** A late or cancelled range will not come: it may have been all that the piece was kept for. */
  #unmarked(piece: number): void {
    const active = this.#swarm.pieces.active.get(piece);
    if (active?.untouched) this.#abandon(active);
  }

  #drop(piece: number, offset: number, length: number): void {
    const active = this.#swarm.pieces.active.get(piece);
    if (!active) return;
    active.drop(offset, length);
    // Whoever was to give it alone does not: waiting for that peer could take for ever.
    active.only = undefined;
    if (active.untouched) this.#abandon(active);
    else this.#reopen(active);
  }

  #abandon(active: ActivePiece): void {
    this.#swarm.pieces.abandon(active);
    this.#swarm.dependencies.pieces.release(active.piece);
  }

  /** A late answer may have taken what was missing, or a failed one given it back. */
  #reopen(active: ActivePiece): void {
    const { open } = this.#swarm.pieces;
    if (active.missing > 0) open.add(active);
    else open.delete(active);
  }

  /** Gives up a piece that nobody would go on with now: its peers are gone, choke or refuse. */
  #reclaim(): boolean {
    for (const active of this.#swarm.pieces.open) {
      if (!active.idle || this.#hasGiver(active)) continue;
      this.#abandon(active);
      return true;
    }
    return false;
  }

  #hasGiver({ piece, only }: ActivePiece): boolean {
    for (const peer of this.#swarm.peers) {
      if (peer.chokesUs || isLate(peer) || !peer.has.has(piece) || this.#isRefused(peer, piece)) continue;
      if (only === undefined || only === peer.serial) return true;
    }
    return false;
  }

  #cancelElsewhere(active: ActivePiece, offset: number, length: number): void {
    for (const other of this.#swarm.peers) {
      const { requests, link } = other;
      for (let i = requests.count - 1; i >= 0; i--) {
        if (requests.pieceAt(i) !== active.piece || requests.isMarked(i)) continue;
        const start = requests.offsetAt(i);
        const size = requests.lengthAt(i);
        if (start >= offset + length || offset >= start + size) continue;
        active.drop(start, size);
        this.#reopen(active);
        link.cancel(active.piece, start, size);
        if (link.rejects) requests.mark(i);
        else {
          other.strayCredit += size;
          requests.remove(i);
        }
        this.#starved.add(other);
      }
    }
    this.fillStarved();
  }

  #stray(peer: Peer, length: number): boolean {
    if (peer.strayCredit < length) this.#swarm.protocolError(peer, 'data that was not asked for');
    else peer.strayCredit -= length;
    this.#swarm.dependencies.events?.wasted?.(length);
    return false;
  }

  #refuse(peer: Peer, piece: number): void {
    const now = this.#now();
    this.#refusedUntil = now + this.#swarm.tuning.refusalTime;
    peer.refused.add(piece, this.#refusedUntil, now);
    this.#kickAfter(this.#swarm.tuning.refusalTime);
  }

  #isRefused(peer: Peer, piece: number): boolean {
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

/** It owes answers that were given up; until they come there is no use in asking for more. */
function isLate({ requests }: Peer): boolean {
  return requests.count > 0 && requests.isMarked(0);
}
