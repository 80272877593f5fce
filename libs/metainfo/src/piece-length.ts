const MIN = 16 * 1024;
const MAX = 16 * 1024 * 1024;
/** More pieces spread better over a swarm, fewer cost less metainfo and fewer messages. */
const MOST_PIECES = 1024;

/**
 * Bytes in a piece for content of `totalLength` bytes: the smallest power of two from 16 KiB to 16 MiB that makes at
 * most 1,024 pieces. Content from 8 MiB to 16 GiB gets more than 512.
 */
export function choosePieceLength(totalLength: number): number {
  let pieceLength = MIN;
  while (pieceLength < MAX && totalLength > pieceLength * MOST_PIECES) pieceLength *= 2;
  return pieceLength;
}
