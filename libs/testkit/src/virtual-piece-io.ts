import type { Bitfield } from '@pixtorrent/core';
import type { PieceIo } from '@pixtorrent/engine';
import type { TorrentShape } from '@pixtorrent/peer-protocol';
import { TestkitError } from './errors.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Bytes of the block that fingerprints and provenance are kept for. */
export const BLOCK = 16 * 1024;

export interface PieceIoOptions {
  /** Pieces that may be in memory at once. @default 64 */
  readonly slots?: number;
  /** Bytes hashed per second, one piece after the other. @default 1.5e9 */
  readonly hashRate?: number;
  /** Bytes written per second, one piece after the other. @default 2e9 */
  readonly writeRate?: number;
  /**
   * Blocks that this node serves wrong, though it thinks they are right: a liar, or a bad disk.
   * @default none
   */
  readonly corrupts?: (piece: number, block: number) => boolean;
}

/** Who is told of what has been done: a `Torrent`. */
export interface PieceIoClient {
  pieceVerified(piece: number, ok: boolean): void;
  pieceStored(piece: number): void;
  pieceFingerprinted(piece: number, digests: readonly string[]): void;
}

type SlotState = 'filling' | 'verifying' | 'verified' | 'storing';

interface Slot {
  state: SlotState;
  /** Changes with each reservation, so that an answer for an earlier one is dropped. */
  generation: number;
  readonly landed: Int32Array;
  readonly tags: Int32Array;
  /** Payloads now landing. */
  writers: number;
}

/**
 * Pieces without bytes: for each block of a piece in progress, how much has landed and whose content it is. A call
 * that would be wrong on a real disk throws, as the engine's contract forbids it.
 */
export class VirtualPieceIo implements PieceIo {
  /** What is on this node's disk. */
  readonly stored: Bitfield;
  /** Pieces that the disk has lost; reading one fails. */
  readonly lost = new Set<number>();
  /** Payload bytes that landed on blocks which were already whole. */
  duplicateBytes = 0;
  peakSlots = 0;
  client!: PieceIoClient;
  readonly #time: VirtualTime;
  readonly #shape: TorrentShape;
  readonly #tag: number;
  readonly #alive: () => boolean;
  readonly #slotLimit: number;
  readonly #hashRate: number;
  readonly #writeRate: number;
  readonly #corrupts: ((piece: number, block: number) => boolean) | undefined;
  readonly #slots = new Map<number, Slot>();
  readonly #spare: Slot[] = [];
  #generation = 0;
  #hashFree = 0;
  #writeFree = 0;

  /** `tag`: this node's mark on the blocks that it corrupts, from 1. `alive`: no answers once false. */
  constructor(
    time: VirtualTime,
    shape: TorrentShape,
    have: Bitfield,
    tag: number,
    alive: () => boolean,
    options: PieceIoOptions = {},
  ) {
    this.#time = time;
    this.#shape = shape;
    this.stored = have.clone();
    this.#tag = tag;
    this.#alive = alive;
    this.#slotLimit = options.slots ?? 64;
    this.#hashRate = options.hashRate ?? 1.5e9;
    this.#writeRate = options.writeRate ?? 2e9;
    this.#corrupts = options.corrupts;
  }

  /** Pieces in memory now. */
  get slots(): number {
    return this.#slots.size;
  }

  /** The disk loses a piece; the engine finds out when it wants to read it. */
  lose(piece: number): void {
    if (this.stored.has(piece)) this.lost.add(piece);
  }

  /** The engine has been told that the piece is lost. */
  noteLost(piece: number): void {
    this.lost.delete(piece);
    this.stored.delete(piece);
  }

  reserve(piece: number): boolean {
    if (this.#slots.has(piece)) throw broken(piece, 'reserved twice');
    if (this.stored.has(piece)) throw broken(piece, 'reserved though it is stored');
    if (this.#slots.size >= this.#slotLimit) return false;
    const slot = this.#spare.pop() ?? this.#newSlot();
    slot.state = 'filling';
    slot.generation = ++this.#generation;
    slot.writers = 0;
    slot.landed.fill(0);
    slot.tags.fill(0);
    this.#slots.set(piece, slot);
    this.peakSlots = Math.max(this.peakSlots, this.#slots.size);
    return true;
  }

  release(piece: number): void {
    const slot = this.#slot(piece, 'released');
    if (slot.writers > 0) throw broken(piece, 'released while a payload lands in it');
    this.#free(piece, slot);
  }

  verify(piece: number): void {
    const slot = this.#slot(piece, 'verified');
    if (slot.state !== 'filling') throw broken(piece, `to be verified while ${slot.state}`);
    if (slot.writers > 0) throw broken(piece, 'to be verified while a payload lands in it');
    const blocks = this.#blocks(piece);
    let ok = true;
    for (let block = 0; block < blocks; block++) {
      if (slot.landed[block]! < this.#blockLength(piece, block)) {
        throw broken(piece, `to be verified without block ${block}`);
      }
      if (slot.tags[block] !== 0) ok = false;
    }
    slot.state = 'verifying';
    this.#hashed(piece, slot, () => {
      slot.state = ok ? 'verified' : 'filling';
      this.client.pieceVerified(piece, ok);
    });
  }

  store(piece: number): void {
    const slot = this.#slot(piece, 'stored');
    if (slot.state !== 'verified') throw broken(piece, `to be stored while ${slot.state}`);
    slot.state = 'storing';
    const now = this.#time.now();
    this.#writeFree = Math.max(this.#writeFree, now) + (this.#pieceLength(piece) * 1000) / this.#writeRate;
    this.#time.at(this.#writeFree, () => {
      if (!this.#alive()) return;
      this.#free(piece, slot);
      this.stored.add(piece);
      this.client.pieceStored(piece);
    });
  }

  fingerprint(piece: number): void {
    const slot = this.#slot(piece, 'fingerprinted');
    const digests: string[] = [];
    for (let block = 0; block < this.#blocks(piece); block++) {
      digests.push(`${piece}.${block}.${slot.tags[block]}`);
    }
    this.#hashed(piece, slot, () => this.client.pieceFingerprinted(piece, digests));
  }

  /** A payload begins to land. */
  landingBegins(piece: number): void {
    const slot = this.#slot(piece, 'written to');
    if (slot.state !== 'filling') throw broken(piece, `written to while ${slot.state}`);
    slot.writers++;
  }

  /** The payload's connection ended within it. */
  landingEnds(piece: number): void {
    this.#slot(piece, 'written to').writers--;
  }

  /** A payload has landed whole. */
  landed(piece: number, offset: number, length: number, tags: Int32Array | undefined): void {
    const slot = this.#slot(piece, 'written to');
    slot.writers--;
    const first = Math.floor(offset / BLOCK);
    const last = Math.floor((offset + length - 1) / BLOCK);
    for (let block = first; block <= last; block++) {
      const start = Math.max(offset, block * BLOCK);
      const bytes = Math.min(offset + length, (block + 1) * BLOCK) - start;
      if (slot.landed[block]! >= this.#blockLength(piece, block)) this.duplicateBytes += bytes;
      slot.landed[block]! += bytes;
      slot.tags[block] = tags?.[block - first] ?? 0;
    }
  }

  /**
   * What goes out as the content of a range.
   * @returns undefined where all of it is right; else a mark per block
   */
  read(piece: number, offset: number, length: number): Int32Array | undefined {
    if (!this.stored.has(piece)) {
      const state = this.#slots.get(piece)?.state;
      if (state !== 'verified' && state !== 'storing') throw broken(piece, 'sent without having it');
    }
    if (this.#corrupts === undefined) return undefined;
    const first = Math.floor(offset / BLOCK);
    const count = Math.floor((offset + length - 1) / BLOCK) - first + 1;
    let tags: Int32Array | undefined;
    for (let i = 0; i < count; i++) {
      if (!this.#corrupts(piece, first + i)) continue;
      tags ??= new Int32Array(count);
      tags[i] = this.#tag;
    }
    return tags;
  }

  #hashed(piece: number, slot: Slot, done: () => void): void {
    const generation = slot.generation;
    const now = this.#time.now();
    this.#hashFree = Math.max(this.#hashFree, now) + (this.#pieceLength(piece) * 1000) / this.#hashRate;
    this.#time.at(this.#hashFree, () => {
      if (this.#alive() && slot.generation === generation && this.#slots.get(piece) === slot) done();
    });
  }

  #slot(piece: number, what: string): Slot {
    const slot = this.#slots.get(piece);
    if (slot === undefined) throw broken(piece, `${what} though it has no memory`);
    return slot;
  }

  #free(piece: number, slot: Slot): void {
    this.#slots.delete(piece);
    this.#spare.push(slot);
  }

  #newSlot(): Slot {
    const blocks = Math.ceil(this.#shape.pieceLength / BLOCK);
    return {
      state: 'filling',
      generation: 0,
      landed: new Int32Array(blocks),
      tags: new Int32Array(blocks),
      writers: 0,
    };
  }

  #pieceLength(piece: number): number {
    return Math.min(this.#shape.pieceLength, this.#shape.length - piece * this.#shape.pieceLength);
  }

  #blocks(piece: number): number {
    return Math.ceil(this.#pieceLength(piece) / BLOCK);
  }

  #blockLength(piece: number, block: number): number {
    return Math.min(BLOCK, this.#pieceLength(piece) - block * BLOCK);
  }
}

function broken(piece: number, what: string): TestkitError {
  return new TestkitError('contract', `piece ${piece} ${what}`);
}
