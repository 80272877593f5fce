import { randomFillSync } from 'node:crypto';

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** 20 bytes: SHA-1 over the bencoded `info` dictionary as it stands in the file (BEP 3). */
export type InfoHash = Branded<Uint8Array, 'InfoHash'>;
/** 20 bytes that a peer chose for itself (BEP 20 gives the usual form, `-PX0100-` and 12 random bytes). */
export type PeerId = Branded<Uint8Array, 'PeerId'>;
/** Index of a piece, the unit that is verified, from 0. */
export type PieceIndex = Branded<number, 'PieceIndex'>;

/** Bytes in an info hash and in a peer ID. */
export const ID_LENGTH = 20;

/** @throws RangeError unless `bytes` has 20 bytes. The bytes are copied. */
export function infoHash(bytes: Uint8Array): InfoHash {
  return exactly20(bytes, 'info hash') as InfoHash;
}

/** @throws RangeError unless `bytes` has 20 bytes. The bytes are copied. */
export function peerId(bytes: Uint8Array): PeerId {
  return exactly20(bytes, 'peer ID') as PeerId;
}

/** Marks a number that was checked against the piece count as a piece index. */
export function pieceIndex(index: number): PieceIndex {
  return index as PieceIndex;
}

/** @throws RangeError unless `hex` has 40 hexadecimal digits. */
export function infoHashFromHex(hex: string): InfoHash {
  if (!/^[0-9a-f]{40}$/i.test(hex)) throw new RangeError('an info hash has 40 hexadecimal digits');
  return infoHash(Buffer.from(hex, 'hex'));
}

const idBytes = Buffer.alloc(ID_LENGTH);

/** Lower-case hexadecimal form of any identifier. */
export function toHex(bytes: Uint8Array): string {
  if (bytes.length === ID_LENGTH) {
    // The runtime would move a small array out of its heap to have a buffer of it, in 1 µs.
    idBytes.set(bytes);
    return idBytes.toString('hex');
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** The prefix of every PixTorrent peer ID: `-PX`, version, `-` (BEP 20). */
export const PEER_ID_PREFIX = '-PX0100-';

/** A new peer ID: our prefix and 12 bytes from the system's secure generator. */
export function newPeerId(): PeerId {
  const id = Buffer.alloc(ID_LENGTH);
  id.write(PEER_ID_PREFIX, 'latin1');
  randomFillSync(id, PEER_ID_PREFIX.length);
  return id as Uint8Array as PeerId;
}

/** Whether a peer ID says that its owner speaks PixWire. */
export function isPixTorrent(id: Uint8Array): boolean {
  return id.length === ID_LENGTH && id[0] === 0x2d && id[1] === 0x50 && id[2] === 0x58;
}

function exactly20(bytes: Uint8Array, what: string): Uint8Array {
  if (bytes.length !== ID_LENGTH) throw new RangeError(`${what}: ${bytes.length} bytes, want ${ID_LENGTH}`);
  return Uint8Array.from(bytes);
}
