const MIN = 16 * 1024;
const MAX = 16 * 1024 * 1024;
/** Up to this many pieces a piece costs more in metainfo and messages than a longer one would in spreading. */
const FEW = 1024;

/** From `long` on, in bytes, there are more pieces rather than longer ones, until they are `many`. */
const LAYOUTS = {
  /** A transfer of 1 GiB in pieces of 512 KiB is as fast as in pieces of 1 MiB, and takes 3.0 s of CPU of both sides. */
  whole: { long: 256 * 1024, many: 2048 },
  /**
   * A reader gets nothing of a piece before it is verified: 3 ms of a fast line instead of 26 (ADR 0014). A GiB takes 4.8 s
   * of CPU in pieces of 64 KiB, and 320 KiB of metainfo.
   */
  reading: { long: 64 * 1024, many: 16_384 },
} as const;

/** `reading`: applications read content while it comes; `whole`: nobody does. */
export type ContentUse = keyof typeof LAYOUTS;

/**
 * Bytes in a piece for content of `totalLength` bytes: the smallest power of two from 16 KiB to 16 MiB that makes at
 * most 1,024 pieces; or at most 2,048 of 256 KiB and more, and for reading 16,384 of 64 KiB and more. Content from 8 MiB
 * to 32 GiB, and for reading to 256 GiB, gets more than 512.
 */
export function choosePieceLength(totalLength: number, use: ContentUse = 'whole'): number {
  const { long, many } = LAYOUTS[use];
  let pieceLength = MIN;
  while (pieceLength < MAX && totalLength > pieceLength * (pieceLength < long ? FEW : many)) pieceLength *= 2;
  return pieceLength;
}
