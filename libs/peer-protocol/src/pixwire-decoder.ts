import { type DecoderOptions, u32, WireDecoder } from './decoder.ts';
import { parseExtensionHandshake } from './extension-handshake.ts';
import { boundedTerm, MAX_EXTENDED } from './limits.ts';
import { BLOCK_HEADER, FRAME_HEADER, FrameType, MAX_GOODBYE, PING_LENGTH, RANGE_LENGTH } from './pixwire.ts';
import { bitfieldFits, bitfieldLength, rangeFits } from './shape.ts';
import { GoodbyeReason } from './wire.ts';

export interface PixWireDecoderOptions extends DecoderOptions {
  /** The longest frame payload that we said we accept, bytes. */
  readonly maxFrame: number;
  /** The longest single request that we said we answer, bytes. */
  readonly maxRequest: number;
  /** Sends the 8 bytes at `at` back: a Ping came. They are valid during the call only. */
  readonly pong: (bytes: Uint8Array, at: number) => void;
}

/** Reads PixWire frames. Lists are passed on entry by entry, so that a long one is never held. */
export class PixWireDecoder extends WireDecoder {
  readonly #maxFrame: number;
  readonly #maxRequest: number;
  readonly #pong: (bytes: Uint8Array, at: number) => void;
  #opened = false;
  /** The list under way, and the bytes of it still to come. */
  #list = 0;
  #listLeft = 0;

  constructor(options: PixWireDecoderOptions) {
    super(options);
    this.#maxFrame = options.maxFrame;
    this.#maxRequest = options.maxRequest;
    this.#pong = options.pong;
  }

  protected override unit(bytes: Buffer, at: number, end: number): number {
    if (this.#listLeft > 0) return this.#entry(bytes, at, end);
    if (end - at < FRAME_HEADER) return this.wait(FRAME_HEADER);
    const type = bytes[at]!;
    const length = u32(bytes, at + 1);
    if (length > this.#maxFrame) return this.fail('frame-too-long', 'a frame is longer than was agreed');
    if (type === 0 || type > FrameType.goodbye) return this.#pass(length);
    if (type === FrameType.goodbye) return this.#goodbye(bytes, at, end, length);
    const first = type === FrameType.bitfield || type === FrameType.haveAll || type === FrameType.haveNone;
    if (first === this.#opened) {
      return this.fail(
        'out-of-order',
        first ? 'pieces are announced twice' : 'the first frame is another one',
      );
    }
    if (first) return this.#opening(type, bytes, at, end, length);
    switch (type) {
      case FrameType.interested:
        return this.#interested(bytes, at, end, length);
      case FrameType.sendPiece:
        return this.#sendPiece(bytes, at, end, length);
      case FrameType.ping:
      case FrameType.pong:
        return this.#ping(type, bytes, at, end, length);
      case FrameType.extension:
        return this.#extension(bytes, at, end, length);
      case FrameType.have:
        return this.#beginList(type, length, 4);
      case FrameType.requestPiece:
      case FrameType.cancel:
      case FrameType.reject:
        return this.#beginList(type, length, RANGE_LENGTH);
      default:
        return this.#empty(type, length);
    }
  }

  #pass(length: number): number {
    this.skip(length);
    return FRAME_HEADER;
  }

  #opening(type: number, bytes: Buffer, at: number, end: number, length: number): number {
    const shape = this.shape;
    if (type !== FrameType.bitfield) return this.#empty(type, length);
    if (shape === undefined) {
      this.#opened = true;
      return this.#pass(length);
    }
    if (length !== bitfieldLength(shape)) return this.fail('bad-bitfield', 'the bit field has another size');
    const size = FRAME_HEADER + length;
    if (end - at < size) return this.wait(size);
    const bits = bytes.subarray(at + FRAME_HEADER, at + size);
    if (!bitfieldFits(shape, bits)) return this.fail('bad-bitfield', 'a bit past the last piece is set');
    this.#opened = true;
    this.receiver.bitfield(bits);
    return size;
  }

  #empty(type: number, length: number): number {
    if (length !== 0) return this.fail('bad-length', 'a frame without payload has one');
    if (type === FrameType.choke) this.receiver.choke();
    else if (type === FrameType.unchoke) this.receiver.unchoke();
    else if (type === FrameType.notInterested) this.receiver.notInterested();
    else {
      this.#opened = true;
      if (this.shape !== undefined) {
        if (type === FrameType.haveAll) this.receiver.haveAll();
        else this.receiver.haveNone();
      }
    }
    return FRAME_HEADER;
  }

  #interested(bytes: Buffer, at: number, end: number, length: number): number {
    const size = FRAME_HEADER + 12;
    if (length !== 12) return this.fail('bad-length', 'Interested has another size');
    if (end - at < size) return this.wait(size);
    this.receiver.terms(boundedTerm(u32(bytes, at + 9)), boundedTerm(u32(bytes, at + 13)));
    this.receiver.interested();
    return size;
  }

  #sendPiece(bytes: Buffer, at: number, end: number, length: number): number {
    if (this.shape === undefined) return this.#pass(length);
    if (length <= BLOCK_HEADER) return this.fail('bad-length', 'SendPiece without data');
    const size = FRAME_HEADER + BLOCK_HEADER;
    if (end - at < size) return this.wait(size);
    const piece = u32(bytes, at + 5);
    const offset = u32(bytes, at + 9);
    if (!rangeFits(this.shape, piece, offset, length - BLOCK_HEADER)) {
      return this.fail('bad-range', 'data outside the torrent');
    }
    this.beginBlock(piece, offset, length - BLOCK_HEADER);
    return size;
  }

  #ping(type: number, bytes: Buffer, at: number, end: number, length: number): number {
    const size = FRAME_HEADER + PING_LENGTH;
    if (length !== PING_LENGTH) return this.fail('bad-length', 'Ping has another size');
    if (end - at < size) return this.wait(size);
    if (type === FrameType.ping) this.#pong(bytes, at + FRAME_HEADER);
    return size;
  }

  #extension(bytes: Buffer, at: number, end: number, length: number): number {
    if (length < 1) return this.fail('bad-length', 'Extension without an id');
    if (length > MAX_EXTENDED) return this.fail('frame-too-long', 'an extension message is too long');
    const size = FRAME_HEADER + length;
    if (end - at < size) return this.wait(size);
    const payload = bytes.subarray(at + FRAME_HEADER + 1, at + size);
    const id = bytes[at + FRAME_HEADER]!;
    if (id > 0) {
      this.receiver.extended(id, payload);
      return size;
    }
    const handshake = parseExtensionHandshake(payload);
    if (handshake === undefined) return this.fail('bad-extension', 'the extension handshake is malformed');
    this.receiver.extensionHandshake(handshake);
    return size;
  }

  #goodbye(bytes: Buffer, at: number, end: number, length: number): number {
    if (length < 1) return this.fail('bad-length', 'Goodbye without a reason');
    if (length > MAX_GOODBYE) return this.fail('frame-too-long', 'Goodbye with too much text');
    const size = FRAME_HEADER + length;
    if (end - at < size) return this.wait(size);
    const reason = bytes[at + FRAME_HEADER]!;
    const text = bytes.toString('utf8', at + FRAME_HEADER + 1, at + size);
    this.receiver.goodbye(isGoodbyeReason(reason) ? reason : GoodbyeReason.leaving, text);
    return size;
  }

  #beginList(type: number, length: number, entry: number): number {
    if (this.shape === undefined) return this.#pass(length);
    if (length === 0 || length % entry !== 0)
      return this.fail('bad-length', 'a list with a part of an entry');
    this.#list = type;
    this.#listLeft = length;
    return FRAME_HEADER;
  }

  #entry(bytes: Buffer, at: number, end: number): number {
    const size = this.#list === FrameType.have ? 4 : RANGE_LENGTH;
    if (end - at < size) return this.wait(size);
    this.#listLeft -= size;
    const piece = u32(bytes, at);
    if (this.#list === FrameType.have) {
      if (piece >= this.shape!.pieceCount) return this.fail('bad-range', 'a piece outside the torrent');
      this.receiver.have(piece);
      return size;
    }
    const offset = u32(bytes, at + 4);
    const length = u32(bytes, at + 8);
    if (!rangeFits(this.shape!, piece, offset, length)) {
      return this.fail('bad-range', 'a range outside the torrent');
    }
    if (this.#list === FrameType.cancel) this.receiver.cancel(piece, offset, length);
    else if (this.#list === FrameType.reject) this.receiver.reject(piece, offset, length);
    else if (length <= this.#maxRequest) this.receiver.request(piece, offset, length);
    else return this.fail('bad-range', 'a request is longer than was agreed');
    return size;
  }
}

function isGoodbyeReason(reason: number): reason is GoodbyeReason {
  return reason <= GoodbyeReason.complete;
}
