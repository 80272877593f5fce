export interface TorrentShape {
  /** Bytes of content, and what makes it another torrent. */
  readonly content: number;
  /** Pieces of 16 MiB that it has at least: 20 bytes each in the torrent file. */
  readonly pieces?: number;
  readonly private?: boolean;
}

const PIECE_LENGTH = 2 ** 24;

/** A torrent file of one file `x`, as small as can be. */
export function smallTorrent({ content, pieces = 1, private: isPrivate = false }: TorrentShape): Buffer {
  const length = (pieces - 1) * PIECE_LENGTH + content;
  const digests = Buffer.alloc(20 * Math.ceil(length / PIECE_LENGTH), content % 251);
  return Buffer.concat(
    [
      `d4:infod6:lengthi${length}e4:name1:x12:piece lengthi${PIECE_LENGTH}e6:pieces${digests.length}:`,
      digests,
      `${isPrivate ? '7:privatei1e' : ''}ee`,
    ].map((part) => Buffer.from(part)),
  );
}
