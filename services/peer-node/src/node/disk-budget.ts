import { statfs } from 'node:fs/promises';

/** Of a disk whose owner has said nothing else. */
const SHARE = 0.9;

/** Bytes of content that may be in a folder. @throws the system's error */
export async function diskBudget(dir: string, configured: number | undefined): Promise<number> {
  if (configured !== undefined) return configured;
  const { blocks, bsize } = await statfs(dir);
  return Math.floor(blocks * bsize * SHARE);
}
