import { MESSAGE_HEADER, MessageId, PIECE_OVERHEAD, RANGE_MESSAGE } from './bep3.ts';
import { u32, WireDecoder } from './decoder.ts';
import { parseExtensionHandshake } from './extension-handshake.ts';
import { BEP3_MAX_REQUEST, boundedTerm, MAX_EXTENDED } from './limits.ts';
import { BLOCK_LENGTH, bitfieldFits, bitfieldLength, rangeFits } from './shape.ts';

/** A message of an id that we do not know is skipped up to this length. */
const MAX_UNKNOWN = 1_048_576;

/**
 * Reads the messages of BEP 3, with the fast extension (BEP 6) and the extension protocol (BEP 10). Ids of other
 * extensions are skipped. Keep-alives count as bytes only.
 */
export class Bep3Decoder extends WireDecoder {
  /** Whether the time for Have All and Have None is over. Some clients send the extension handshake before them. */
  #opened = false;

  protected override unit(bytes: Buffer, at: number, end: number): number {
    if (end - at < 4) return this.wait(4);
    const length = u32(bytes, at);
    if (length === 0) return 4;
    if (end - at < MESSAGE_HEADER) return this.wait(MESSAGE_HEADER);
    const id = bytes[at + 4]!;
    if (id === MessageId.extended) return this.#extended(bytes, at, end, length);
    if (this.shape === undefined || !isPieceMessage(id)) return this.#simple(id, length);
    switch (id) {
      case MessageId.bitfield:
        return this.#bitfield(bytes, at, end, length);
      case MessageId.haveAll:
      case MessageId.haveNone:
        return this.#haveAllOrNone(id, length);
      case MessageId.piece:
        return this.#piece(bytes, at, end, length);
      case MessageId.have:
      case MessageId.suggest:
      case MessageId.allowedFast:
        return this.#index(id, bytes, at, end, length);
      default:
        return this.#range(id, bytes, at, end, length);
    }
  }

  /** A message without payload, or one that is skipped. */
  #simple(id: number, length: number): number {
    if (id > MessageId.notInterested) {
      if (length > MAX_UNKNOWN) return this.fail('frame-too-long', 'an unknown message is too long');
      this.skip(length - 1);
      return MESSAGE_HEADER;
    }
    if (length !== 1) return this.fail('bad-length', 'a message without payload has one');
    this.#opened = true;
    if (id === MessageId.choke) this.receiver.choke();
    else if (id === MessageId.unchoke) this.receiver.unchoke();
    else if (id === MessageId.interested) this.receiver.interested();
    else this.receiver.notInterested();
    return MESSAGE_HEADER;
  }

  /** BEP 3 has it come first alone, but aria2 sends it again where it would be shorter than its Have messages. */
  #bitfield(bytes: Buffer, at: number, end: number, length: number): number {
    const shape = this.shape!;
    if (length !== 1 + bitfieldLength(shape))
      return this.fail('bad-bitfield', 'the bit field has another size');
    const size = 4 + length;
    if (end - at < size) return this.wait(size);
    const bits = bytes.subarray(at + MESSAGE_HEADER, at + size);
    if (!bitfieldFits(shape, bits)) return this.fail('bad-bitfield', 'a bit past the last piece is set');
    this.#opened = true;
    this.receiver.bitfield(bits);
    return size;
  }

  #haveAllOrNone(id: number, length: number): number {
    if (this.#opened) return this.fail('out-of-order', 'Have All or Have None is not the first message');
    if (length !== 1) return this.fail('bad-length', 'a message without payload has one');
    this.#opened = true;
    if (id === MessageId.haveAll) this.receiver.haveAll();
    else this.receiver.haveNone();
    return MESSAGE_HEADER;
  }

  #piece(bytes: Buffer, at: number, end: number, length: number): number {
    if (length <= PIECE_OVERHEAD) return this.fail('bad-length', 'a block without data');
    const size = length - PIECE_OVERHEAD;
    if (size > BEP3_MAX_REQUEST) return this.fail('frame-too-long', 'a block is longer than any we ask for');
    if (end - at < 4 + PIECE_OVERHEAD) return this.wait(4 + PIECE_OVERHEAD);
    const piece = u32(bytes, at + 5);
    const offset = u32(bytes, at + 9);
    if (!rangeFits(this.shape!, piece, offset, size))
      return this.fail('bad-range', 'data outside the torrent');
    this.#opened = true;
    this.beginBlock(piece, offset, size);
    return 4 + PIECE_OVERHEAD;
  }

  #index(id: number, bytes: Buffer, at: number, end: number, length: number): number {
    if (length !== 5) return this.fail('bad-length', 'a message with a piece index has another size');
    if (end - at < 9) return this.wait(9);
    const piece = u32(bytes, at + 5);
    if (piece >= this.shape!.pieceCount) return this.fail('bad-range', 'a piece outside the torrent');
    this.#opened = true;
    if (id === MessageId.have) this.receiver.have(piece);
    else if (id === MessageId.suggest) this.receiver.suggest(piece);
    else this.receiver.allowedFast(piece);
    return 9;
  }

  #range(id: number, bytes: Buffer, at: number, end: number, length: number): number {
    if (length !== RANGE_MESSAGE) return this.fail('bad-length', 'a message with a range has another size');
    if (end - at < 4 + RANGE_MESSAGE) return this.wait(4 + RANGE_MESSAGE);
    const piece = u32(bytes, at + 5);
    const offset = u32(bytes, at + 9);
    const size = u32(bytes, at + 13);
    if (!rangeFits(this.shape!, piece, offset, size))
      return this.fail('bad-range', 'a range outside the torrent');
    this.#opened = true;
    if (id === MessageId.cancel) this.receiver.cancel(piece, offset, size);
    else if (id === MessageId.reject) this.receiver.reject(piece, offset, size);
    else if (size <= BEP3_MAX_REQUEST) this.receiver.request(piece, offset, size);
    else return this.fail('bad-range', 'a request is longer than 128 KiB');
    return 4 + RANGE_MESSAGE;
  }

  #extended(bytes: Buffer, at: number, end: number, length: number): number {
    if (length < 2) return this.fail('bad-length', 'an extension message without an id');
    if (length > MAX_EXTENDED) return this.fail('frame-too-long', 'an extension message is too long');
    const size = 4 + length;
    if (end - at < size) return this.wait(size);
    const payload = bytes.subarray(at + MESSAGE_HEADER + 1, at + size);
    const id = bytes[at + MESSAGE_HEADER]!;
    if (id > 0) {
      this.receiver.extended(id, payload);
      return size;
    }
    const handshake = parseExtensionHandshake(payload);
    if (handshake === undefined) return this.fail('bad-extension', 'the extension handshake is malformed');
    if (handshake.requestQueue !== undefined) {
      this.receiver.terms(boundedTerm(handshake.requestQueue * BLOCK_LENGTH), BLOCK_LENGTH);
    }
    this.receiver.extensionHandshake(handshake);
    return size;
  }
}

function isPieceMessage(id: number): boolean {
  return (
    (id >= MessageId.have && id <= MessageId.cancel) ||
    (id >= MessageId.suggest && id <= MessageId.allowedFast)
  );
}
