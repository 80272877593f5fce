import { hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type Metainfo, pieceSize } from '@pixtorrent/metainfo';

/** Which pieces of a torrent lie in a folder, by their hashes. What is not there reads as zeros. */
export async function piecesOnDisk(folder: string, metainfo: Metainfo): Promise<boolean[]> {
  const content = Buffer.alloc(metainfo.length);
  for (const { path, offset, length } of metainfo.files) {
    const file = await open(join(folder, ...path)).catch(() => undefined);
    await file?.read(content, offset, length, 0);
    await file?.close();
  }
  return Array.from({ length: metainfo.pieceCount }, (_, piece) => {
    const from = piece * metainfo.pieceLength;
    const digest = hash('sha1', content.subarray(from, from + pieceSize(metainfo, piece)), 'buffer');
    return digest.equals(metainfo.pieceHashes.subarray(piece * 20, piece * 20 + 20));
  });
}

/** What the definitions of docs/metrics.md make of the pieces that nodes have. */
export function figuresOf(nodes: readonly (readonly boolean[])[], metainfo: Metainfo) {
  const { pieceCount, length } = metainfo;
  const copies = Array.from({ length: pieceCount }, (_, piece) => nodes.filter((has) => has[piece]).length);
  const availability = Math.min(...copies);
  const completion = nodes
    .map((has) => has.reduce((sum, it, piece) => sum + (it ? pieceSize(metainfo, piece) : 0), 0) / length)
    .sort((a, b) => a - b);
  const percentile = (percent: number) => completion[Math.ceil((percent / 100) * nodes.length) - 1]!;
  const groups = [0, 1, 2, 3, 4, 8, 16, Number.POSITIVE_INFINITY];
  return {
    nodes: nodes.length,
    whole: completion.filter((part) => part === 1).length,
    availability,
    distributedCopies: availability + copies.filter((count) => count > availability).length / pieceCount,
    piecesByCopies: groups
      .slice(0, -1)
      .map((from, n) => copies.filter((count) => count >= from && count < groups[n + 1]!).length),
    completion: { min: completion[0]!, p10: percentile(10), p50: percentile(50), p90: percentile(90) },
    solePieces: Math.max(...nodes.map((has) => has.filter((it, piece) => it && copies[piece] === 1).length)),
  };
}
