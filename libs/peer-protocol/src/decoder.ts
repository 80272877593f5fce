import type { TorrentShape, WireFault, WireReceiver } from './wire.ts';

/**
 * A payload this long is received straight into its piece, without a copy. The header after it is then read by a
 * small step, as what follows is likely to be such a payload too.
 */
const DIRECT_LENGTH = 65_536;
const SCRATCH_LENGTH = 262_144;
const HEAD_LENGTH = 4_096;
/** Room for any header, kept once a connection has needed it. */
const CARRY_LENGTH = 32;

/** Memory into which the bytes of every connection of a thread land before they are told apart. */
export class ReceiveScratch {
  readonly whole: Buffer = Buffer.allocUnsafeSlow(SCRATCH_LENGTH);
  readonly head: Buffer = this.whole.subarray(0, HEAD_LENGTH);
}

export interface DecoderOptions {
  readonly receiver: WireReceiver;
  /** Undefined while the torrent's metadata is not known (BEP 9): messages about pieces are then skipped. */
  readonly shape: TorrentShape | undefined;
  readonly scratch: ReceiveScratch;
}

/**
 * The receiving half of a connection after its handshake, common to both wires: says where the next bytes should
 * land, and calls the receiver for what they mean. Bytes come by `target` and `landed`, or by `receive`; after a
 * fault, or after `end`, they are no longer looked at.
 *
 * A stream is a run of units: a message, a message's header, or one entry of a list. A unit that is not here whole
 * waits in a buffer of its own size; payloads never do.
 */
export abstract class WireDecoder {
  /** Bytes taken in after the handshake, all told. */
  bytesIn = 0;
  /** Bytes of blocks among them, asked for or not. */
  payloadIn = 0;

  protected readonly receiver: WireReceiver;
  protected readonly shape: TorrentShape | undefined;

  readonly #scratch: ReceiveScratch;
  #fault: WireFault | undefined;
  #ended = false;
  /** Bytes still to come of a payload, or of what is skipped. */
  #left = 0;
  /** Where they go; undefined for what is skipped. */
  #memory: Uint8Array | undefined;
  #piece = 0;
  #offset = 0;
  #length = 0;
  #carry: Buffer | undefined;
  #carried = 0;
  #need = 0;

  constructor(options: DecoderOptions) {
    this.receiver = options.receiver;
    this.shape = options.shape;
    this.#scratch = options.scratch;
  }

  /** Where the next bytes from the socket should land. Tell `landed` before asking again. */
  target(): Uint8Array {
    if (this.#direct()) return this.#memory!.subarray(this.#length - this.#left);
    return this.#length >= DIRECT_LENGTH && this.#left === 0 ? this.#scratch.head : this.#scratch.whole;
  }

  /** The first `count` bytes of the target have been filled. */
  landed(count: number): WireFault | undefined {
    if (!this.#direct()) return this.receive(this.#scratch.whole, count);
    this.bytesIn += count;
    this.payloadIn += count;
    this.#advance(count);
    return this.#fault;
  }

  /** Takes bytes from memory that the source brings along; nothing refers to them after the call. */
  receive(bytes: Buffer, end: number = bytes.length): WireFault | undefined {
    if (this.#ended) return this.#fault;
    this.bytesIn += end;
    let at = 0;
    while (at < end && !this.#ended) {
      if (this.#left > 0) at += this.#pour(bytes, at, end);
      else if (this.#carried > 0) at = this.#resume(bytes, at, end);
      else {
        const used = this.unit(bytes, at, end);
        if (used > 0) at += used;
        else {
          if (used === 0) this.#keep(bytes, at, end);
          break;
        }
      }
    }
    return this.#fault;
  }

  /** Nothing more will be taken in. A payload under way is given up by `blockAbort`. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#carry = undefined;
    if (this.#memory === undefined) return;
    this.#memory = undefined;
    this.receiver.blockAbort(this.#piece, this.#offset, this.#length);
  }

  /**
   * Reads one unit that begins at `at`.
   * @returns the bytes it took; 0 where it is not here whole (after `wait`); -1 on a fault (after `fail`)
   */
  protected abstract unit(bytes: Buffer, at: number, end: number): number;

  /** The unit needs `length` bytes from its beginning, as far as can be seen. The caller has bounded it. */
  protected wait(length: number): 0 {
    this.#need = length;
    return 0;
  }

  protected fail(code: WireFault['code'], message: string): -1 {
    this.#fault = { code, message };
    this.end();
    return -1;
  }

  /** The next `length` bytes are of no interest. */
  protected skip(length: number): void {
    this.#left = length;
    this.#length = 0;
  }

  /** The next `length` bytes are a payload whose range has been checked. */
  protected beginBlock(piece: number, offset: number, length: number): void {
    this.#piece = piece;
    this.#offset = offset;
    this.#length = length;
    const memory = this.receiver.blockBegin(piece, offset, length);
    if (memory !== undefined && memory.length !== length) {
      throw new RangeError(`memory of ${memory.length} bytes for a payload of ${length}`);
    }
    this.#left = length;
    if (this.#ended) {
      if (memory !== undefined) this.receiver.blockAbort(piece, offset, length);
    } else {
      this.#memory = memory;
    }
  }

  #direct(): boolean {
    return this.#memory !== undefined && this.#length >= DIRECT_LENGTH;
  }

  #pour(bytes: Buffer, at: number, end: number): number {
    const count = Math.min(this.#left, end - at);
    if (this.#memory !== undefined) bytes.copy(this.#memory, this.#length - this.#left, at, at + count);
    if (this.#length > 0) this.payloadIn += count;
    this.#advance(count);
    return count;
  }

  #advance(count: number): void {
    this.#left -= count;
    if (this.#left > 0 || this.#memory === undefined) return;
    this.#memory = undefined;
    this.receiver.blockEnd(this.#piece, this.#offset, this.#length);
  }

  /** Fills up the unit that waits, and reads it once it is whole. Returns where `bytes` go on. */
  #resume(bytes: Buffer, at: number, end: number): number {
    const count = Math.min(this.#need - this.#carried, end - at);
    this.#keep(bytes, at, at + count);
    if (this.#carried < this.#need) return end;
    const carry = this.#carry!;
    if (this.unit(carry, 0, this.#carried) !== 0) {
      this.#carried = 0;
      if (carry.length > CARRY_LENGTH) this.#carry = undefined;
    }
    return at + count;
  }

  /** Adds to the unit that waits. The buffer grows by what has come, never by what a header promises. */
  #keep(bytes: Buffer, at: number, end: number): void {
    const length = this.#carried + end - at;
    let carry = this.#carry;
    if (carry === undefined || carry.length < length) {
      const grown = Buffer.allocUnsafeSlow(
        length <= CARRY_LENGTH ? CARRY_LENGTH : Math.min(this.#need, length * 2),
      );
      carry?.copy(grown, 0, 0, this.#carried);
      carry = grown;
      this.#carry = grown;
    }
    bytes.copy(carry, this.#carried, at, end);
    this.#carried = length;
  }
}

/** An unsigned 32-bit integer, big-endian; the caller knows that it is there. */
export function u32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
