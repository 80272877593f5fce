/** Pieces of a node that are told, of which there can be a million: as many as a wide screen has pixels. */
const MOST_COLUMNS = 4096;

/** How many pieces of a torrent are shown. */
export function columnsOf(pieces: number): number {
  return Math.min(pieces, MOST_COLUMNS);
}

/** @param bits of all pieces, high bit first @returns those that are shown: all, or some at equal distances; a copy */
export function shownPieces(bits: Uint8Array, pieces: number): Uint8Array {
  if (pieces <= MOST_COLUMNS) return bits.slice();
  const shown = new Uint8Array(MOST_COLUMNS / 8);
  for (let column = 0; column < MOST_COLUMNS; column++) {
    const piece = Math.floor((column * pieces) / MOST_COLUMNS);
    if ((bits[piece >>> 3]! & (0x80 >>> (piece & 7))) !== 0) shown[column >>> 3]! |= 0x80 >>> (column & 7);
  }
  return shown;
}
