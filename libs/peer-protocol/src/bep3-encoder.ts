import { MESSAGE_HEADER, MessageId, PIECE_OVERHEAD, RANGE_MESSAGE } from './bep3.ts';
import { type EncoderOptions, putRange, putU32, WireEncoder } from './encoder.ts';
import { encodeExtensionHandshake } from './extension-handshake.ts';
import type { Lease } from './outbox.ts';
import { bitfieldLength } from './shape.ts';
import type { ExtensionHandshake } from './wire.ts';

export interface Bep3EncoderOptions extends EncoderOptions {
  /** Whether both sides speak the fast extension (BEP 6). */
  readonly fast: boolean;
  /** Whether both sides speak the extension protocol (BEP 10). */
  readonly extensions: boolean;
}

/** Writes the messages of BEP 3, and those of BEP 6 and BEP 10 where the other side has them. */
export class Bep3Encoder extends WireEncoder {
  readonly #fast: boolean;
  readonly #extensions: boolean;

  constructor(options: Bep3EncoderOptions) {
    super(options);
    this.#fast = options.fast;
    this.#extensions = options.extensions;
  }

  choke(): void {
    this.#message(MessageId.choke, 1);
  }

  unchoke(): void {
    this.#message(MessageId.unchoke, 1);
  }

  interested(): void {
    this.#message(MessageId.interested, 1);
  }

  notInterested(): void {
    this.#message(MessageId.notInterested, 1);
  }

  have(piece: number): void {
    const at = this.#message(MessageId.have, 5);
    putU32(this.outbox.control, at, piece);
  }

  bitfield(bits: Uint8Array): void {
    this.#passMessage(MessageId.bitfield, Uint8Array.from(bits));
  }

  /** A bit field of ones where the other side lacks BEP 6. */
  haveAll(): void {
    if (this.#fast) this.#message(MessageId.haveAll, 1);
    else if (this.shape !== undefined) {
      const bits = new Uint8Array(bitfieldLength(this.shape)).fill(0xff);
      const spare = bits.length * 8 - this.shape.pieceCount;
      if (bits.length > 0) bits[bits.length - 1] = 0xff << spare;
      this.#passMessage(MessageId.bitfield, bits);
    }
  }

  /** Silence means the same where the other side lacks BEP 6. */
  haveNone(): void {
    if (this.#fast) this.#message(MessageId.haveNone, 1);
  }

  request(piece: number, offset: number, length: number): void {
    this.#range(MessageId.request, piece, offset, length);
  }

  cancel(piece: number, offset: number, length: number): void {
    this.#range(MessageId.cancel, piece, offset, length);
  }

  reject(piece: number, offset: number, length: number): void {
    if (this.#fast) this.#range(MessageId.reject, piece, offset, length);
  }

  block(piece: number, offset: number, payload: Uint8Array, lease: Lease): void {
    this.outbox.lease(lease);
    const at = this.#message(MessageId.piece, PIECE_OVERHEAD + payload.length, 8);
    putU32(this.outbox.control, at, piece);
    putU32(this.outbox.control, at + 4, offset);
    this.outbox.passPayload(payload);
  }

  extensionHandshake(handshake: ExtensionHandshake): void {
    if (this.#extensions) this.#extended(0, encodeExtensionHandshake(handshake));
  }

  extended(id: number, payload: Uint8Array): void {
    if (this.#extensions) this.#extended(id, Uint8Array.from(payload));
  }

  /** BEP 3 has no such message. */
  goodbye(): void {}

  /** A keep-alive. */
  ping(): void {
    const at = this.outbox.reserve(4);
    putU32(this.outbox.control, at, 0);
  }

  #extended(id: number, payload: Uint8Array): void {
    const at = this.#message(MessageId.extended, 2 + payload.length, 1);
    this.outbox.control[at] = id;
    this.outbox.pass(payload);
  }

  #range(id: number, piece: number, offset: number, length: number): void {
    const at = this.#message(id, RANGE_MESSAGE);
    putRange(this.outbox.control, at, piece, offset, length);
  }

  #passMessage(id: number, payload: Uint8Array): void {
    this.#message(id, 1 + payload.length, 0);
    this.outbox.pass(payload);
  }

  /** Writes a header and makes room for `inline` bytes after it. Returns where they go. */
  #message(id: number, length: number, inline: number = length - 1): number {
    const at = this.outbox.reserve(MESSAGE_HEADER + inline);
    const control = this.outbox.control;
    putU32(control, at, length);
    control[at + 4] = id;
    return at + MESSAGE_HEADER;
  }
}
