/*
 * Handshakes and frames written by hand from BEP 3 and docs/protocol/pixwire.md. On purpose independent of
 * `peer-protocol`: what both sides of one codec get wrong in the same way would not be noticed.
 */

export interface RawHandshake {
  /** 20 bytes. */
  readonly infoHash: Uint8Array;
  /** 20 bytes. */
  readonly peerId: Uint8Array;
}

/** Unsigned 32-bit integers, big-endian, one after the other. */
export function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}

/** `reserved`: 8 bytes; BEP 10 sets bit 0x10 of byte 5, BEP 6 bit 0x04 of byte 7. @default both */
export function rawBep3Handshake(
  handshake: RawHandshake,
  reserved: Uint8Array = Uint8Array.of(0, 0, 0, 0, 0, 0x10, 0, 0x04),
): Buffer {
  const name = Buffer.from('BitTorrent protocol', 'latin1');
  return Buffer.concat([Buffer.of(19), name, reserved, handshake.infoHash, handshake.peerId]);
}

export interface RawPixWireTerms {
  /** @default 1 */
  readonly version?: number;
  /** @default 1 */
  readonly minimumVersion?: number;
  /** @default 0 */
  readonly flags?: number;
  /** Bytes of the largest frame payload. @default 4194312 */
  readonly maxFrame?: number;
  /** Bytes. @default 8388608 */
  readonly requestWindow?: number;
}

export function rawPixWireHandshake(handshake: RawHandshake, terms: RawPixWireTerms = {}): Buffer {
  const { version = 1, minimumVersion = 1, flags = 0 } = terms;
  const { maxFrame = 4 * 1024 * 1024 + 8, requestWindow = 8 * 1024 * 1024 } = terms;
  return Buffer.concat([
    Buffer.from('PIXT', 'latin1'),
    Buffer.of(version, minimumVersion, flags >> 8, flags & 255),
    u32(maxFrame, requestWindow),
    handshake.infoHash,
    Buffer.alloc(12),
    handshake.peerId,
  ]);
}

/** `u32 length | u8 id | payload`; without an id, a keep-alive. */
export function rawBep3Message(id?: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  if (id === undefined) return u32(0);
  return Buffer.concat([u32(1 + payload.length), Buffer.of(id), payload]);
}

/** `u8 type | u32 length | payload`. `length`: what the frame says, where that is to be a lie. */
export function rawPixWireFrame(
  type: number,
  payload: Uint8Array = new Uint8Array(0),
  length: number = payload.length,
): Buffer {
  return Buffer.concat([Buffer.of(type), u32(length), payload]);
}

/** Message ids of BEP 3, 6 and 10. */
export const RawBep3 = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  notInterested: 3,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  cancel: 8,
  suggest: 13,
  haveAll: 14,
  haveNone: 15,
  reject: 16,
  allowedFast: 17,
  extended: 20,
} as const;

/** Frame types of PixWire. */
export const RawPixWire = {
  interested: 0x01,
  requestPiece: 0x02,
  sendPiece: 0x03,
  have: 0x04,
  bitfield: 0x05,
  choke: 0x06,
  unchoke: 0x07,
  notInterested: 0x08,
  cancel: 0x09,
  reject: 0x0a,
  haveAll: 0x0b,
  haveNone: 0x0c,
  ping: 0x0d,
  pong: 0x0e,
  extension: 0x0f,
  goodbye: 0x10,
} as const;
