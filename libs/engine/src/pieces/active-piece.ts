import { BLOCK_LENGTH } from '@pixtorrent/peer-protocol';

const MISSING = 0;
const REQUESTED = 1;
const RECEIVING = 2;
const RECEIVED = 3;

/** A run of blocks within a piece, given by its byte range. */
function firstBlock(offset: number): number {
  return offset / BLOCK_LENGTH;
}

/**
 * The blocks of a piece in progress. Each is in exactly one state:
 *
 *     missing → requested → receiving → received
 *
 * A requested block may have several requesters (endgame), a receiving one has a single writer: nobody else can
 * write into the piece's memory once all blocks are received, so what is hashed is what is stored.
 * Ranges are (offset, length) in bytes, from a block's start to a block's end or the piece's end.
 */
export class ActivePiece {
  readonly piece: number;
  readonly length: number;
  readonly blockCount: number;
  /** Serial of the peer that gave each block, -1 before. */
  readonly sources: Int32Array;
  /** Only this peer may serve the piece: an earlier copy from several peers was bad. */
  only: number | undefined;
  readonly #state: Uint8Array;
  readonly #requesters: Uint8Array;
  #missing: number;
  #received = 0;
  #requests = 0;
  #firstMissing = 0;

  constructor(piece: number, length: number) {
    this.piece = piece;
    this.length = length;
    this.blockCount = Math.ceil(length / BLOCK_LENGTH);
    this.sources = new Int32Array(this.blockCount).fill(-1);
    this.#state = new Uint8Array(this.blockCount);
    this.#requesters = new Uint8Array(this.blockCount);
    this.#missing = this.blockCount;
  }

  /** Blocks that nobody was asked for. */
  get missing(): number {
    return this.#missing;
  }

  get complete(): boolean {
    return this.#received === this.blockCount;
  }

  /** No block has arrived or is arriving, and none is asked for. */
  get untouched(): boolean {
    return this.#missing === this.blockCount;
  }

  /** Nobody is asked for any block. */
  get idle(): boolean {
    return this.#requests === 0 && this.#missing + this.#received === this.blockCount;
  }

  /** Offset of the first missing block, or -1. */
  missingOffset(): number {
    if (this.#missing === 0) return -1;
    while (this.#state[this.#firstMissing] !== MISSING) this.#firstMissing++;
    return this.#firstMissing * BLOCK_LENGTH;
  }

  /** Bytes of the run of missing blocks at `offset`, at most about `limit` but at least one block. */
  missingRun(offset: number, limit: number): number {
    let block = firstBlock(offset);
    const end = Math.min(this.blockCount, block + Math.max(1, Math.floor(limit / BLOCK_LENGTH)));
    while (block < end && this.#state[block] === MISSING) block++;
    return Math.min(block * BLOCK_LENGTH, this.length) - offset;
  }

  /** Whether every block of the range is asked for, not begun, and asked of a single peer. */
  askedOnce(offset: number, length: number): boolean {
    const end = this.#endBlock(offset, length);
    for (let block = firstBlock(offset); block < end; block++) {
      if (this.#state[block] !== REQUESTED || this.#requesters[block] !== 1) return false;
    }
    return true;
  }

  /** missing or requested -> requested, by one more peer. */
  request(offset: number, length: number): void {
    const end = this.#endBlock(offset, length);
    for (let block = firstBlock(offset); block < end; block++) {
      if (this.#state[block] === MISSING) {
        this.#state[block] = REQUESTED;
        this.#missing--;
      }
      this.#requesters[block]!++;
      this.#requests++;
    }
  }

  /** requested -> missing where this was the last requester: the request will not be answered. */
  drop(offset: number, length: number): void {
    const end = this.#endBlock(offset, length);
    for (let block = firstBlock(offset); block < end; block++) {
      this.#requesters[block]!--;
      this.#requests--;
      if (this.#state[block] === REQUESTED && this.#requesters[block] === 0) this.#lose(block);
    }
  }

  /**
   * requested -> receiving: an answer begins, and its request is used up.
   * @returns false where another peer has given or is giving one of the blocks: the answer is not wanted
   */
  begin(offset: number, length: number): boolean {
    const start = firstBlock(offset);
    const end = this.#endBlock(offset, length);
    for (let block = start; block < end; block++) {
      if (this.#state[block]! >= RECEIVING) {
        this.drop(offset, length);
        return false;
      }
    }
    for (let block = start; block < end; block++) {
      if (this.#state[block] === MISSING) this.#missing--;
      this.#state[block] = RECEIVING;
      this.#requesters[block]!--;
      this.#requests--;
    }
    return true;
  }

  /** receiving -> received. */
  end(offset: number, length: number, source: number): void {
    const end = this.#endBlock(offset, length);
    for (let block = firstBlock(offset); block < end; block++) {
      this.#state[block] = RECEIVED;
      this.sources[block] = source;
      this.#received++;
    }
  }

  /** receiving -> requested, or missing where nobody else was asked: the connection ended. */
  abort(offset: number, length: number): void {
    const end = this.#endBlock(offset, length);
    for (let block = firstBlock(offset); block < end; block++) {
      if (this.#requesters[block]! > 0) this.#state[block] = REQUESTED;
      else this.#lose(block);
    }
  }

  /** Whether somebody else was also asked for a block of the range. */
  hasRequesters(offset: number, length: number): boolean {
    const end = this.#endBlock(offset, length);
    for (let block = firstBlock(offset); block < end; block++) if (this.#requesters[block]! > 0) return true;
    return false;
  }

  #lose(block: number): void {
    this.#state[block] = MISSING;
    this.#missing++;
    if (block < this.#firstMissing) this.#firstMissing = block;
  }

  #endBlock(offset: number, length: number): number {
    return Math.ceil((offset + length) / BLOCK_LENGTH);
  }
}
