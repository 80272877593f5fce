const MIN = 16 * 1024;
const MAX = 16 * 1024 * 1024;
/** Up to this many pieces a piece costs more in metainfo and messages than a longer one would in spreading. */
const FEW = 1024;
/** A longer piece is more than a reader should wait for, who gets none of it before it is verified. */
const SHORT = 64 * 1024;
/** So there are more of these rather than longer ones, until they are so many: 320 KiB of metainfo. */
const MANY = 16_384;

/**
 * Bytes in a piece for content of `totalLength` bytes: the smallest power of two from 16 KiB to 16 MiB that makes at
 * most 1,024 pieces, or at most 16,384 of 64 KiB and more. Content from 8 MiB to 256 GiB gets more than 512.
 */
export function choosePieceLength(totalLength: number): number {
  let pieceLength = MIN;
  while (pieceLength < MAX && totalLength > pieceLength * (pieceLength < SHORT ? FEW : MANY))
    pieceLength *= 2;
  return pieceLength;
}
