import { type InfoHash, infoHash, type PeerId, peerId } from '@pixtorrent/core';
import { u32 } from './decoder.ts';
import { putU32 } from './encoder.ts';
import { BEP3_REQUEST_QUEUE, boundedTerm, MIN_FRAME, type WireLimits } from './limits.ts';
import { BLOCK_HEADER } from './pixwire.ts';
import { BLOCK_LENGTH } from './shape.ts';
import type { PeerHandshake, WireFault, WireName } from './wire.ts';

/** Bytes of a handshake, on either wire. */
export const HANDSHAKE_LENGTH = 68;
/** The highest version of PixWire that is spoken here, and the lowest. */
export const PIXWIRE_VERSION = 1;
export const PIXWIRE_MIN_VERSION = 1;

/** Byte by which a BEP 3 handshake begins: the length of the protocol's name. */
const BEP3_FIRST = 0x13;
/** `P`. */
const PIXWIRE_FIRST = 0x50;
const MAGIC = Buffer.from('PIXT', 'latin1');
const PROTOCOL = Buffer.from('\x13BitTorrent protocol', 'latin1');
/** Byte and bit of the reserved bytes: BEP 10, BEP 6. */
const EXTENSION_BYTE = 25;
const EXTENSION_BIT = 0x10;
const FAST_BYTE = 27;
const FAST_BIT = 0x04;
/** Where the info hash stands in a BEP 3 handshake, and where it ends. */
const BEP3_HASH = 28;
export const BEP3_HASH_END = 48;
const PIXWIRE_HASH = 16;

/** A handshake as it was read, with what only one of the wires says. */
export interface ParsedHandshake extends PeerHandshake {
  /** The version in force (PixWire); 0 for BEP 3. */
  readonly version: number;
  /** The longest frame payload that the other side accepts (PixWire), bytes; 0 for BEP 3. */
  readonly maxFrame: number;
}

/** Which wire a connection speaks by its first byte; undefined for neither. */
export function wireOf(first: number): WireName | undefined {
  if (first === PIXWIRE_FIRST) return 'pixwire';
  return first === BEP3_FIRST ? 'bep3' : undefined;
}

/** Our handshake, 68 bytes. */
export function encodeHandshake(wire: WireName, hash: InfoHash, id: PeerId, limits: WireLimits): Uint8Array {
  const bytes = Buffer.alloc(HANDSHAKE_LENGTH);
  bytes.set(id, HANDSHAKE_LENGTH - id.length);
  if (wire === 'bep3') {
    bytes.set(PROTOCOL);
    bytes[EXTENSION_BYTE] = EXTENSION_BIT;
    bytes[FAST_BYTE] = FAST_BIT;
    bytes.set(hash, BEP3_HASH);
    return bytes;
  }
  bytes.set(MAGIC);
  bytes[4] = PIXWIRE_VERSION;
  bytes[5] = PIXWIRE_MIN_VERSION;
  putU32(bytes, 8, limits.maxFrame);
  putU32(bytes, 12, limits.requestWindow);
  bytes.set(hash, PIXWIRE_HASH);
  return bytes;
}

/** Whether the bytes so far can still become a handshake of the wire. */
export function beginsHandshake(wire: WireName, bytes: Uint8Array, length: number): boolean {
  const prefix = wire === 'bep3' ? PROTOCOL : MAGIC;
  const common = Math.min(prefix.length, length);
  for (let i = 0; i < common; i++) if (bytes[i] !== prefix[i]) return false;
  return true;
}

/** The info hash of a handshake that is here as far as that; BEP 3 says it before the peer ID. */
export function handshakeInfoHash(wire: WireName, bytes: Uint8Array): InfoHash {
  const at = wire === 'bep3' ? BEP3_HASH : PIXWIRE_HASH;
  return infoHash(bytes.subarray(at, at + 20));
}

/** Reads 68 bytes that begin as a handshake of the wire. */
export function parseHandshake(wire: WireName, bytes: Uint8Array): ParsedHandshake | WireFault {
  const id = peerId(bytes.subarray(HANDSHAKE_LENGTH - 20, HANDSHAKE_LENGTH));
  const hash = handshakeInfoHash(wire, bytes);
  if (wire === 'bep3') {
    return {
      wire,
      infoHash: hash,
      peerId: id,
      fast: (bytes[FAST_BYTE]! & FAST_BIT) !== 0,
      extensions: (bytes[EXTENSION_BYTE]! & EXTENSION_BIT) !== 0,
      requestWindow: BEP3_REQUEST_QUEUE * BLOCK_LENGTH,
      maxRequest: BLOCK_LENGTH,
      version: 0,
      maxFrame: 0,
    };
  }
  const highest = bytes[4]!;
  const lowest = bytes[5]!;
  const version = Math.min(highest, PIXWIRE_VERSION);
  if (highest === 0 || lowest > highest) {
    return { code: 'bad-handshake', message: 'the versions of the handshake contradict each other' };
  }
  if (version < lowest || version < PIXWIRE_MIN_VERSION) {
    return { code: 'bad-version', message: 'no common version of PixWire' };
  }
  const maxFrame = u32(bytes, 8);
  if (maxFrame < MIN_FRAME) return { code: 'bad-handshake', message: 'the frame limit is below 65,536' };
  for (let i = PIXWIRE_HASH + 20; i < HANDSHAKE_LENGTH - 20; i++) {
    if (bytes[i] !== 0) return { code: 'unknown-torrent', message: 'an info hash of another kind' };
  }
  return {
    wire,
    infoHash: hash,
    peerId: id,
    fast: true,
    extensions: true,
    requestWindow: boundedTerm(u32(bytes, 12)),
    maxRequest: boundedTerm(maxFrame - BLOCK_HEADER),
    version,
    maxFrame,
  };
}
