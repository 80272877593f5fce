import { PixError } from '@pixtorrent/core';

/** What is wrong with one name or path of a torrent. See `file-name.ts` for which are refused and which made safe. */
export type PathFault =
  | 'path-empty'
  | 'path-traversal'
  | 'path-absolute'
  | 'path-separator'
  | 'path-too-long'
  | 'path-not-utf8'
  | 'path-control'
  | 'path-character'
  | 'path-trailing'
  | 'path-reserved'
  /** The same path twice. */
  | 'path-duplicate'
  /** Two paths that a file system may take for one: they differ by case or by Unicode form alone. */
  | 'path-ambiguous'
  /** A path that is a file and also the folder of another file. */
  | 'path-file-and-folder';

export type MetainfoErrorCode =
  | PathFault
  /** Not canonical bencode. */
  | 'not-bencode'
  /** More bytes, values or nesting than the limits allow. */
  | 'too-large'
  | 'too-many-files'
  | 'too-many-pieces'
  | 'missing'
  | 'wrong-type'
  /** A number below zero, above what a number holds exactly, or a sum that is. */
  | 'out-of-range'
  /** `length` and `files` in one info dictionary: programs would disagree about the content. */
  | 'conflict'
  | 'piece-length'
  /** `pieces` is not a whole number of digests, or not as many as the lengths ask for. */
  | 'piece-count'
  /** No file, or not one byte in all of them. */
  | 'empty-content'
  /** A symbolic link (BEP 47 `l`). */
  | 'symlink'
  /** A BitTorrent version 2 torrent or link without a version 1 half (BEP 52). */
  | 'v2-only'
  | 'bad-url'
  | 'bad-magnet';

/** A torrent file or magnet link that is malformed, unsafe, or beyond what is supported. */
export class MetainfoError extends PixError<MetainfoErrorCode> {
  /** Where: a key such as `info.files[3].path[1]`, a byte (`byte 17`), or a parameter of a magnet link (`xt`). */
  readonly place: string;

  constructor(code: MetainfoErrorCode, place: string, reason: string, options?: ErrorOptions) {
    super(code, `${place}: ${reason}`, options);
    this.place = place;
  }
}
