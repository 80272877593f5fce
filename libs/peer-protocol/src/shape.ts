import type { TorrentShape } from './wire.ts';

/** Bytes of a block as nearly every BEP 3 client asks for it. */
export const BLOCK_LENGTH = 16_384;

/** Bytes of the bit field of a torrent. */
export function bitfieldLength(shape: TorrentShape): number {
  return Math.ceil(shape.pieceCount / 8);
}

/** Bytes of one piece; the last is what remains. 0 for an index outside the torrent. */
export function pieceSize(shape: TorrentShape, piece: number): number {
  if (piece >= shape.pieceCount) return 0;
  return piece === shape.pieceCount - 1 ? shape.length - piece * shape.pieceLength : shape.pieceLength;
}

/** Whether the range holds at least one byte and lies within one piece. */
export function rangeFits(shape: TorrentShape, piece: number, offset: number, length: number): boolean {
  return length > 0 && offset + length <= pieceSize(shape, piece);
}

/** Whether bits from the wire have the torrent's size and none past its end. */
export function bitfieldFits(shape: TorrentShape, bits: Uint8Array): boolean {
  if (bits.length !== bitfieldLength(shape)) return false;
  const spare = bits.length * 8 - shape.pieceCount;
  return spare === 0 || (bits[bits.length - 1]! & ((1 << spare) - 1)) === 0;
}
