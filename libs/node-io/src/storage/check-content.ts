import { Bitfield, type Random, sameBytes, shuffle } from '@pixtorrent/core';
import { type Metainfo, pieceSize } from '@pixtorrent/metainfo';
import { DIGEST_LENGTH } from '../hashing/digest.ts';
import type { Hasher } from '../hashing/hasher.ts';
import type { Slab } from '../memory/slab.ts';
import type { FileStorage } from './file-storage.ts';
import { type HashProgress, hashPieces } from './hash-content.ts';
import type { ResumeRecord } from './resume-record.ts';
import { judgeFiles, judgePiece } from './resume-trust.ts';

export interface CheckDependencies {
  readonly storage: FileStorage;
  readonly metainfo: Metainfo;
  readonly hasher: Hasher;
  readonly slab: Slab;
  /** Chooses the pieces of the spot check. */
  readonly random: Random;
}

export interface CheckOptions extends HashProgress {
  /**
   * After a session that was killed: bytes of recorded pieces that are hashed all the same, chosen at random. A
   * change that somebody made just after the kill looks like our own; up to this much content it is found for sure.
   * @default 1 GiB, less than a second on two cores
   */
  readonly spotCheck?: number;
}

/** Bytes at the beginning of a piece that are looked at to see whether anything was ever written there. */
const PROBE_LENGTH = 4096;

/**
 * Finds out which pieces a storage has, hashing only what the record of the last session cannot vouch for. Files that
 * are missing or too short are no error: their pieces are not in the set.
 * @param record of the last session; everything there is gets hashed where it is undefined
 * @throws StorageError; the signal's reason when it is aborted
 */
export async function checkContent(
  dependencies: CheckDependencies,
  record: ResumeRecord | undefined,
  options: CheckOptions = {},
): Promise<Bitfield> {
  const { storage, metainfo } = dependencies;
  const files = await judgeFiles(storage, record);
  const found = new Bitfield(metainfo.pieceCount);
  const padded = metainfo.files.some(({ padding }) => padding);
  if (!padded && files.every((trust) => trust === 'empty')) return found;
  const doubtful: number[] = [];
  const explained: number[] = [];
  for (let piece = 0; piece < metainfo.pieceCount; piece++) {
    const recorded = record?.pieces.has(piece) ?? false;
    switch (judgePiece(storage.layout, files, piece, recorded)) {
      case 'have':
        found.add(piece);
        break;
      case 'explained':
        explained.push(piece);
        break;
      case 'probe':
        if (await looksWritten(storage, metainfo, piece)) doubtful.push(piece);
        break;
      case 'hash':
        doubtful.push(piece);
        break;
      case 'lack':
        break;
    }
    options.signal?.throwIfAborted();
  }
  const sample = spotCheck(dependencies, explained, options.spotCheck ?? 1024 ** 3);
  await hashInto(found, dependencies, ascending([...doubtful, ...sample]), options);
  const suspects = new Set(sample.filter((piece) => !found.has(piece)).flatMap((piece) => filesOf(piece)));
  const sampled = new Set(sample);
  const rest = explained.filter((piece) => !sampled.has(piece));
  const distrusted = rest.filter((piece) => filesOf(piece).some((file) => suspects.has(file)));
  for (const piece of rest) found.add(piece);
  for (const piece of distrusted) found.delete(piece);
  await hashInto(found, dependencies, distrusted, options);
  return found;

  function filesOf(piece: number): number[] {
    return storage.layout.filesOf(piece * metainfo.pieceLength, pieceSize(metainfo, piece));
  }
}

async function hashInto(
  found: Bitfield,
  dependencies: CheckDependencies,
  pieces: readonly number[],
  options: HashProgress,
): Promise<void> {
  const { metainfo, storage, hasher, slab } = dependencies;
  const { pieceLength, length, pieceHashes } = metainfo;
  await hashPieces({ storage, hasher, slab, pieceLength, length }, pieces, options, {
    digest(piece, digest) {
      const at = piece * DIGEST_LENGTH;
      if (sameBytes(digest, pieceHashes.subarray(at, at + DIGEST_LENGTH))) found.add(piece);
    },
    unreadable(error) {
      if (error.code !== 'missing' && error.code !== 'truncated') throw error;
    },
  });
}

/**
 * Pieces are written whole, and a file that we made is full of zeros. So a piece that begins with zeros was not
 * written yet; where it was, it is only fetched once more.
 */
async function looksWritten(storage: FileStorage, metainfo: Metainfo, piece: number): Promise<boolean> {
  const probe = new Uint8Array(Math.min(PROBE_LENGTH, pieceSize(metainfo, piece)));
  await storage.read(piece * metainfo.pieceLength, probe);
  return Buffer.compare(probe, ZEROS.subarray(0, probe.length)) !== 0;
}

const ZEROS = new Uint8Array(PROBE_LENGTH);

function spotCheck(dependencies: CheckDependencies, explained: readonly number[], bytes: number): number[] {
  const order = [...explained];
  shuffle(order, dependencies.random);
  let left = bytes;
  const sample: number[] = [];
  for (const piece of order) {
    left -= pieceSize(dependencies.metainfo, piece);
    if (left < 0) break;
    sample.push(piece);
  }
  return sample;
}

function ascending(pieces: number[]): number[] {
  return pieces.sort((a, b) => a - b);
}
