import { Bitfield, type Random, shuffle } from '@pixtorrent/core';

/** Pieces that more peers than this have are all equally common. */
const MAX_BUCKET = 127;

/**
 * How many peers have each piece, and the pieces that can be begun in the order of rarity, ties in random order.
 * `order` is cut into buckets of equal availability; a change moves one piece over the border of its bucket, so
 * every operation but insertion and removal is constant, and those cost a step per bucket.
 * Peers that have everything are counted apart: they make no piece rarer than another. Beside that: how few copies
 * there are, and what only this node has.
 */
export class Availability {
  /** Empty until there is a candidate: most torrents of a node are whole. */
  #order = new Int32Array(0);
  #size = 0;
  #position = new Int32Array(0);
  readonly #copies: Uint16Array;
  /** Where each bucket begins in `order`; the last entry is the end. */
  readonly #starts = new Int32Array(MAX_BUCKET + 2);
  readonly #random: Random;
  /** Connected peers that have every piece. */
  seeds = 0;
  #unspread: number;
  readonly #have: Bitfield;
  /** How many pieces have so many holders, this node included, those that have everything not. */
  readonly #holders = new Int32Array(MAX_BUCKET + 2);
  #sole: number;

  /** @param have pieces that are here, kept by the caller: see `held` and `lost` */
  constructor(pieceCount: number, random: Random, have = new Bitfield(pieceCount)) {
    this.#random = random;
    this.#unspread = pieceCount;
    this.#have = have;
    this.#sole = have.count;
    this.#holders[0] = pieceCount - have.count;
    this.#holders[1] = have.count;
    this.#copies = new Uint16Array(pieceCount);
  }

  /** Candidates, rarest first; only the first `size` entries count. */
  get order(): Int32Array {
    return this.#order;
  }

  /** Pieces that can be begun. */
  get size(): number {
    return this.#size;
  }

  /** Connected peers that have the piece, those with everything included. */
  copies(piece: number): number {
    return this.#copies[piece]! + this.seeds;
  }

  /** Connected peers that have the piece but not everything. */
  partialCopies(piece: number): number {
    return this.#copies[piece]!;
  }

  /** Pieces that no connected peer has but those that have everything. */
  get unspread(): number {
    return this.#unspread;
  }

  /** Copies of the rarest piece among this node and the connected peers; more than 128 are not told apart. */
  get rarest(): number {
    let holders = 0;
    while (holders <= MAX_BUCKET && this.#holders[holders] === 0) holders++;
    return holders + this.seeds;
  }

  /** Pieces that are here and at no connected peer. */
  get sole(): number {
    return this.seeds > 0 ? 0 : this.#sole;
  }

  isSole(piece: number): boolean {
    return this.seeds === 0 && this.#copies[piece] === 0 && this.#have.has(piece);
  }

  /** The piece is here from now on. */
  held(piece: number): void {
    const copies = this.#copies[piece]!;
    if (copies === 0) this.#sole++;
    this.#recount(copies, copies + 1);
  }

  /** The piece is no longer here. */
  lost(piece: number): void {
    const copies = this.#copies[piece]!;
    if (copies === 0) this.#sole--;
    this.#recount(copies + 1, copies);
  }

  isCandidate(piece: number): boolean {
    return this.#position[piece]! >= 0;
  }

  /** Makes every piece of `pieces` a candidate, in random order. Only for an empty order with no copies counted. */
  fill(pieces: Iterable<number>): void {
    for (const piece of pieces) {
      this.#allocate();
      this.#order[this.#size++] = piece;
    }
    shuffle(this.#order.subarray(0, this.#size), this.#random);
    for (let i = 0; i < this.#size; i++) this.#position[this.#order[i]!] = i;
    this.#starts.fill(this.#size, 1);
  }

  /** One more peer has the piece. */
  increment(piece: number): void {
    const bucket = this.#bucket(piece);
    const copies = this.#copies[piece]!++;
    const own = this.#have.has(piece) ? 1 : 0;
    this.#recount(copies + own, copies + own + 1);
    if (copies === 0) {
      this.#unspread--;
      this.#sole -= own;
    }
    if (!this.isCandidate(piece) || this.#bucket(piece) === bucket) return;
    this.#swap(this.#position[piece]!, this.#starts[bucket + 1]! - 1);
    this.#starts[bucket + 1]!--;
    this.#mix(piece);
  }

  /** One peer less has the piece. */
  decrement(piece: number): void {
    const bucket = this.#bucket(piece);
    const copies = --this.#copies[piece]!;
    const own = this.#have.has(piece) ? 1 : 0;
    this.#recount(copies + own + 1, copies + own);
    if (copies === 0) {
      this.#unspread++;
      this.#sole += own;
    }
    if (!this.isCandidate(piece) || this.#bucket(piece) === bucket) return;
    this.#swap(this.#position[piece]!, this.#starts[bucket]!);
    this.#starts[bucket]!++;
    this.#mix(piece);
  }

  /** The piece can be begun (again). */
  insert(piece: number): void {
    if (this.isCandidate(piece)) return;
    this.#allocate();
    this.#order[this.#size] = piece;
    this.#position[piece] = this.#size++;
    const bucket = this.#bucket(piece);
    this.#starts[MAX_BUCKET + 1]! = this.#size;
    for (let b = MAX_BUCKET; b > bucket; b--) this.#swap(this.#position[piece]!, this.#starts[b]!++);
    this.#mix(piece);
  }

  /** The piece was begun, or is not wanted. */
  remove(piece: number): void {
    if (!this.isCandidate(piece)) return;
    for (let b = this.#bucket(piece); b <= MAX_BUCKET; b++) {
      this.#swap(this.#position[piece]!, --this.#starts[b + 1]!);
    }
    this.#position[piece] = -1;
    this.#size--;
  }

  #allocate(): void {
    if (this.#order.length > 0) return;
    this.#order = new Int32Array(this.#copies.length);
    this.#position = new Int32Array(this.#copies.length).fill(-1);
  }

  #recount(from: number, to: number): void {
    this.#holders[Math.min(from, MAX_BUCKET + 1)]!--;
    this.#holders[Math.min(to, MAX_BUCKET + 1)]!++;
  }

  #bucket(piece: number): number {
    return Math.min(this.#copies[piece]!, MAX_BUCKET);
  }

  /** Moves a piece to a random place in its bucket: a piece that just changed must not be everybody's next. */
  #mix(piece: number): void {
    const bucket = this.#bucket(piece);
    const start = this.#starts[bucket]!;
    this.#swap(this.#position[piece]!, start + this.#random.below(this.#starts[bucket + 1]! - start));
  }

  #swap(i: number, j: number): void {
    const a = this.#order[i]!;
    const b = this.#order[j]!;
    this.#order[i] = b;
    this.#order[j] = a;
    this.#position[a] = j;
    this.#position[b] = i;
  }
}
