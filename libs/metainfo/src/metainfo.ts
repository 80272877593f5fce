import type { BencodeValue } from '@pixtorrent/bencode';
import type { InfoHash } from '@pixtorrent/core';

/** One file of a torrent, placed in the torrent's single run of bytes. */
export interface FileEntry {
  /**
   * Path below the download folder: checked components, safe on every platform, the torrent's name first.
   * One component for a single-file torrent.
   */
  readonly path: readonly string[];
  /** Bytes. */
  readonly length: number;
  /** Where its first byte stands in the content, bytes. */
  readonly offset: number;
  /** Filling that is never stored: reads as zeros (BEP 47 `p`). */
  readonly padding: boolean;
  /** BEP 47 `x`. */
  readonly executable: boolean;
  /** BEP 47 `h`. */
  readonly hidden: boolean;
}

/** What a torrent file says, validated: every number in it can be relied on. */
export interface Metainfo {
  readonly infoHash: InfoHash;
  /** The `info` dictionary's bytes as they stand in the file: what the info hash was taken over. */
  readonly infoBytes: Uint8Array;
  readonly name: string;
  /** True where the content is a folder (`files` in the info dictionary). */
  readonly directory: boolean;
  /** Bytes in every piece but the last. */
  readonly pieceLength: number;
  readonly pieceCount: number;
  /** Bytes of the whole content, padding included. */
  readonly length: number;
  /** `pieceCount` SHA-1 digests of 20 bytes. */
  readonly pieceHashes: Uint8Array;
  readonly files: readonly FileEntry[];
  /** BEP 27: peers come from its trackers alone. */
  readonly private: boolean;
  /** Tiers of announce URLs (BEP 12); `announce` alone is one tier of one. */
  readonly trackers: readonly (readonly string[])[];
  /** `url-list` (BEP 19), kept for those who use it. */
  readonly webSeeds: readonly string[];
  readonly comment?: string;
  readonly createdBy?: string;
  /** Seconds since 1970. */
  readonly creationDate?: number;
  /** It also carries a version 2 half (BEP 52), which is not used. */
  readonly hybrid: boolean;
  /** Keys beside `info` that are not read here (`nodes`, `piece layers` …), kept for `encodeTorrent`. */
  readonly extra?: ReadonlyMap<string, BencodeValue>;
}

/** Bytes of one piece: the last may be shorter. */
export function pieceSize(
  shape: Pick<Metainfo, 'pieceCount' | 'pieceLength' | 'length'>,
  piece: number,
): number {
  return piece === shape.pieceCount - 1 ? shape.length - piece * shape.pieceLength : shape.pieceLength;
}
