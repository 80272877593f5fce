import { createHash } from 'node:crypto';
import { BencodeError, Dictionary, decode, encode } from '@pixtorrent/bencode';
import { Bitfield, sameBytes } from '@pixtorrent/core';
import type { Metainfo } from '@pixtorrent/metainfo';
import type { FileStamp } from './file-storage.ts';

/** What one session knew about the files, for the next. */
export interface ResumeRecord {
  /** Pieces that were verified, and on the disk when the record was made. */
  readonly pieces: Bitfield;
  /** For each file of the torrent, and last for the side file; undefined where it was not kept. */
  readonly stamps: readonly (FileStamp | undefined)[];
  /** When the stamps were taken, nanoseconds since 1970. */
  readonly time: bigint;
  /** The session ended with it: nothing was written afterwards. */
  readonly final: boolean;
}

const FORMAT = 'pixtorrent resume 1';
const STAMP_LENGTH = 16;
const ABSENT = 0xffff_ffff_ffff_ffffn;

/** Bytes of the largest record that a torrent can have. */
export function maxRecordLength(torrent: Pick<Metainfo, 'files' | 'pieceCount'>): number {
  return 1024 + Math.ceil(torrent.pieceCount / 8) + (torrent.files.length + 1) * STAMP_LENGTH;
}

export function encodeRecord(record: ResumeRecord, infoHash: Uint8Array): Uint8Array {
  const stamps = Buffer.alloc(record.stamps.length * STAMP_LENGTH);
  record.stamps.forEach((stamp, index) => {
    stamps.writeBigUInt64LE(stamp === undefined ? ABSENT : BigInt(stamp.size), index * STAMP_LENGTH);
    stamps.writeBigInt64LE(stamp?.modified ?? 0n, index * STAMP_LENGTH + 8);
  });
  const body = encode({
    final: record.final ? 1 : 0,
    'info hash': infoHash,
    pieces: record.pieces.bytes,
    stamps,
    time: record.time,
  });
  return encode({ body, format: FORMAT, sha256: digest(body) });
}

/** @returns undefined for anything but a record of this torrent that is whole */
export function decodeRecord(
  bytes: Uint8Array,
  torrent: Pick<Metainfo, 'files' | 'infoHash' | 'pieceCount'>,
): ResumeRecord | undefined {
  const body = dictionary(bytes, torrent);
  const content = body?.bytes('body');
  const checksum = body?.bytes('sha256');
  if (content === undefined || checksum === undefined || body?.text('format') !== FORMAT) return undefined;
  if (!sameBytes(digest(content), checksum)) return undefined;
  const record = dictionary(content, torrent);
  const hash = record?.bytes('info hash');
  if (record === undefined || hash === undefined || !sameBytes(hash, torrent.infoHash)) return undefined;
  const pieces = Bitfield.parse(record.bytes('pieces') ?? new Uint8Array(), torrent.pieceCount);
  const stamps = record.bytes('stamps');
  const time = record.get('time');
  const final = record.integer('final');
  if (pieces === undefined || stamps?.length !== (torrent.files.length + 1) * STAMP_LENGTH) return undefined;
  if ((typeof time !== 'bigint' && typeof time !== 'number') || (final !== 0 && final !== 1))
    return undefined;
  return { pieces, stamps: parseStamps(stamps), time: BigInt(time), final: final === 1 };
}

function parseStamps(bytes: Uint8Array): (FileStamp | undefined)[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: buffer.length / STAMP_LENGTH }, (_, index) => {
    const size = buffer.readBigUInt64LE(index * STAMP_LENGTH);
    if (size === ABSENT) return undefined;
    return { size: Number(size), modified: buffer.readBigInt64LE(index * STAMP_LENGTH + 8) };
  });
}

function dictionary(
  bytes: Uint8Array,
  torrent: Pick<Metainfo, 'files' | 'pieceCount'>,
): Dictionary | undefined {
  try {
    const value = decode(bytes, { maxDepth: 2, maxBytes: maxRecordLength(torrent), maxItems: 16 });
    return value instanceof Dictionary ? value : undefined;
  } catch (error) {
    if (error instanceof BencodeError) return undefined;
    throw error;
  }
}

function digest(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}
