const MIN = 16 * 1024;
const MAX = 16 * 1024 * 1024;
/** Up to this many pieces a piece costs more in metainfo and messages than a longer one would in spreading. */
const FEW = 1024;
/** A piece of this length is longer than a reader should wait for, who gets none of it before it is verified. */
const LONG = 256 * 1024;
/**
 * Of which there are more rather than longer ones, until they are so many. A transfer of 1 GiB in pieces of 512 KiB is as
 * fast as in pieces of 1 MiB; in pieces of 256 KiB it takes a quarter more CPU, and 80 MB more memory.
 */
const MANY = 2048;

/**
 * Bytes in a piece for content of `totalLength` bytes: the smallest power of two from 16 KiB to 16 MiB that makes at
 * most 1,024 pieces, or at most 2,048 of 256 KiB and more. Content from 8 MiB to 32 GiB gets more than 512.
 */
export function choosePieceLength(totalLength: number): number {
  let pieceLength = MIN;
  while (pieceLength < MAX && totalLength > pieceLength * (pieceLength < LONG ? FEW : MANY)) pieceLength *= 2;
  return pieceLength;
}
