/**
 * Which file systems the paths have to be safe for.
 *
 * `any`: Windows, macOS and Linux alike. `posix`: those that tell apart upper and lower case and keep every name as
 * it is (Linux): there `aux.c`, `Foo::Bar.3pm` and `README` beside `readme` are usual names, and a seed has to find
 * them under just these names.
 */
export type FileSystem = 'any' | 'posix';

/** Bounds on a torrent. The defaults take 1 TB of content in 5 MB of metainfo, with room to spare. */
export interface MetainfoOptions {
  /**
   * Bytes of the torrent file.
   * @default 64 MiB
   */
  readonly maxBytes?: number;
  /** @default 1,000,000 */
  readonly maxFiles?: number;
  /** @default 2,097,152, that is 32 TiB in pieces of 16 MiB */
  readonly maxPieces?: number;
  /**
   * Bytes; a piece in progress is held in memory whole.
   * @default 64 MiB
   */
  readonly maxPieceLength?: number;
  /** @default 'any' */
  readonly fileSystem?: FileSystem;
  /**
   * A few old programs wrote dictionary keys in the wrong order; the info hash is taken over the bytes as they stand
   * either way.
   * @default 'refuse'
   */
  readonly unsortedKeys?: 'refuse' | 'accept';
}

export type Limits = Required<MetainfoOptions>;

export function withDefaults(options: MetainfoOptions): Limits {
  return {
    maxBytes: options.maxBytes ?? 64 * 1024 * 1024,
    maxFiles: options.maxFiles ?? 1_000_000,
    maxPieces: options.maxPieces ?? 2 ** 21,
    maxPieceLength: options.maxPieceLength ?? 64 * 1024 * 1024,
    fileSystem: options.fileSystem ?? 'any',
    unsortedKeys: options.unsortedKeys ?? 'refuse',
  };
}
