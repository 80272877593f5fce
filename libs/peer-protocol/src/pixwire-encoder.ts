import { type EncoderOptions, putRange, putU32, WireEncoder } from './encoder.ts';
import { encodeExtensionHandshake } from './extension-handshake.ts';
import type { WireLimits } from './limits.ts';
import type { Lease } from './outbox.ts';
import { BLOCK_HEADER, FRAME_HEADER, FrameType, PING_LENGTH, RANGE_LENGTH } from './pixwire.ts';
import type { ExtensionHandshake, GoodbyeReason } from './wire.ts';

export interface PixWireEncoderOptions extends EncoderOptions {
  /** What we take: Interested says it. */
  readonly limits: WireLimits;
  /** The longest frame payload that the other side accepts, bytes. */
  readonly peerMaxFrame: number;
}

const MAX_TEXT = 200;

/**
 * Writes PixWire frames. Entries of one kind that follow each other (Have, RequestPiece, Cancel, Reject) share a
 * frame, as far as one small buffer goes.
 */
export class PixWireEncoder extends WireEncoder {
  readonly #limits: WireLimits;
  readonly #peerMaxFrame: number;
  #pings = 0;
  /** The last list, if the frame it began is the last one; where its length stands, and what it says. */
  #list = 0;
  #lengthAt = 0;
  #listLength = 0;

  constructor(options: PixWireEncoderOptions) {
    super(options);
    this.#limits = options.limits;
    this.#peerMaxFrame = options.peerMaxFrame;
  }

  choke(): void {
    this.#frame(FrameType.choke, 0);
  }

  unchoke(): void {
    this.#frame(FrameType.unchoke, 0);
  }

  interested(): void {
    const at = this.#frame(FrameType.interested, 12);
    putRange(this.outbox.control, at, 0, this.#limits.requestWindow, this.#limits.maxRequest);
  }

  notInterested(): void {
    this.#frame(FrameType.notInterested, 0);
  }

  have(piece: number): void {
    const at = this.#entry(FrameType.have, 4);
    putU32(this.outbox.control, at, piece);
  }

  bitfield(bits: Uint8Array): void {
    this.#frame(FrameType.bitfield, bits.length, 0);
    this.outbox.pass(Uint8Array.from(bits));
  }

  haveAll(): void {
    this.#frame(FrameType.haveAll, 0);
  }

  haveNone(): void {
    this.#frame(FrameType.haveNone, 0);
  }

  request(piece: number, offset: number, length: number): void {
    this.#range(FrameType.requestPiece, piece, offset, length);
  }

  cancel(piece: number, offset: number, length: number): void {
    this.#range(FrameType.cancel, piece, offset, length);
  }

  reject(piece: number, offset: number, length: number): void {
    this.#range(FrameType.reject, piece, offset, length);
  }

  /** An answer longer than the other side's frame limit goes out in parts, in order. */
  block(piece: number, offset: number, payload: Uint8Array, lease: Lease): void {
    const most = this.#peerMaxFrame - BLOCK_HEADER;
    this.outbox.lease(lease);
    for (let from = 0; from < payload.length; from += most) {
      const length = Math.min(most, payload.length - from);
      const at = this.#frame(FrameType.sendPiece, BLOCK_HEADER + length, BLOCK_HEADER);
      putU32(this.outbox.control, at, piece);
      putU32(this.outbox.control, at + 4, offset + from);
      this.outbox.passPayload(length === payload.length ? payload : payload.subarray(from, from + length));
    }
  }

  extensionHandshake(handshake: ExtensionHandshake): void {
    this.#extension(0, encodeExtensionHandshake(handshake));
  }

  extended(id: number, payload: Uint8Array): void {
    this.#extension(id, Uint8Array.from(payload));
  }

  goodbye(reason: GoodbyeReason, text: string): void {
    const bytes = Buffer.from(text.slice(0, MAX_TEXT), 'utf8');
    const at = this.#frame(FrameType.goodbye, 1 + bytes.length);
    this.outbox.control[at] = reason;
    this.outbox.control.set(bytes, at + 1);
  }

  ping(): void {
    const at = this.#frame(FrameType.ping, PING_LENGTH);
    putU32(this.outbox.control, at, 0);
    putU32(this.outbox.control, at + 4, this.#pings++);
  }

  /** Sends back the 8 bytes of a Ping. */
  pong(bytes: Uint8Array, from: number): void {
    const at = this.#frame(FrameType.pong, PING_LENGTH);
    for (let i = 0; i < PING_LENGTH; i++) this.outbox.control[at + i] = bytes[from + i]!;
  }

  #extension(id: number, payload: Uint8Array): void {
    const at = this.#frame(FrameType.extension, 1 + payload.length, 1);
    this.outbox.control[at] = id;
    this.outbox.pass(payload);
  }

  /** Writes a header and makes room for `inline` bytes of the payload after it. Returns where they go. */
  #frame(type: number, length: number, inline: number = length): number {
    this.#list = 0;
    const at = this.outbox.reserve(FRAME_HEADER + inline);
    const control = this.outbox.control;
    control[at] = type;
    putU32(control, at + 1, length);
    return at + FRAME_HEADER;
  }

  #range(type: number, piece: number, offset: number, length: number): void {
    const at = this.#entry(type, RANGE_LENGTH);
    putRange(this.outbox.control, at, piece, offset, length);
  }

  #entry(type: number, size: number): number {
    if (this.#list !== type || !this.outbox.fits(size)) {
      const at = this.#frame(type, size);
      this.#list = type;
      this.#lengthAt = at - 4;
      this.#listLength = size;
      return at;
    }
    const at = this.outbox.reserve(size);
    this.#listLength += size;
    putU32(this.outbox.control, this.#lengthAt, this.#listLength);
    return at;
  }
}
