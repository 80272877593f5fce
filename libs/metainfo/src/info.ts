import { createHash } from 'node:crypto';
import type { Dictionary } from '@pixtorrent/bencode';
import { infoHash } from '@pixtorrent/core';
import { MetainfoError } from './errors.ts';
import { requiredBytes, requiredLength } from './fields.ts';
import { readFiles } from './files.ts';
import type { Metainfo } from './metainfo.ts';
import type { Limits } from './options.ts';

/** Bytes of a SHA-1 digest. */
const DIGEST = 20;
/** Smaller pieces cost more in messages than they save; a torrent with them is a mistake or an attack. */
const MIN_PIECE_LENGTH = 1024;

/** What an `info` dictionary says. */
export type Info = Pick<
  Metainfo,
  | 'infoHash'
  | 'infoBytes'
  | 'name'
  | 'directory'
  | 'pieceLength'
  | 'pieceCount'
  | 'length'
  | 'pieceHashes'
  | 'files'
  | 'private'
  | 'hybrid'
>;

/** @param infoBytes the dictionary as it was written */
export function readInfo(info: Dictionary, infoBytes: Uint8Array, limits: Limits): Info {
  const version2 = info.has('file tree') || info.get('meta version') === 2;
  if (version2 && !(info.has('pieces') && (info.has('files') || info.has('length')))) {
    throw new MetainfoError(
      'v2-only',
      'info',
      'a BitTorrent version 2 torrent without a version 1 half (BEP 52), which is not supported',
    );
  }
  const pieceLength = readPieceLength(info, limits);
  const content = readFiles(info, limits);
  const pieceHashes = readPieces(info, content.length, pieceLength, limits);
  const privacy = info.get('private');
  return {
    infoHash: infoHash(createHash('sha1').update(infoBytes).digest()),
    infoBytes,
    ...content,
    pieceLength,
    pieceCount: pieceHashes.length / DIGEST,
    pieceHashes,
    // BEP 27 says 1; taking any other number for "not private" would give peers away.
    private: typeof privacy === 'number' && privacy !== 0,
    hybrid: version2,
  };
}

function readPieceLength(info: Dictionary, limits: Limits): number {
  const place = 'info.piece length';
  const pieceLength = requiredLength(info, 'piece length', place);
  if (pieceLength < MIN_PIECE_LENGTH || pieceLength > limits.maxPieceLength) {
    throw new MetainfoError(
      'piece-length',
      place,
      `${pieceLength} bytes; from ${MIN_PIECE_LENGTH} to ${limits.maxPieceLength} are allowed`,
    );
  }
  return pieceLength;
}

function readPieces(info: Dictionary, length: number, pieceLength: number, limits: Limits): Uint8Array {
  const place = 'info.pieces';
  const pieces = requiredBytes(info, 'pieces', place);
  if (pieces.length % DIGEST !== 0) {
    throw new MetainfoError(
      'piece-count',
      place,
      `${pieces.length} bytes are not digests of ${DIGEST} bytes`,
    );
  }
  const have = pieces.length / DIGEST;
  if (have > limits.maxPieces) {
    throw new MetainfoError(
      'too-many-pieces',
      place,
      `${have} pieces, at most ${limits.maxPieces} are allowed`,
    );
  }
  const want = Math.ceil(length / pieceLength);
  if (have !== want) {
    throw new MetainfoError(
      'piece-count',
      place,
      `${have} digests, but ${length} bytes in pieces of ${pieceLength} are ${want}`,
    );
  }
  return pieces;
}
