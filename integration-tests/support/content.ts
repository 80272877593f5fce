import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** File name, with `/` between folders, to size in bytes. */
export type ContentPlan = Readonly<Record<string, number>>;

/** What trips clients up: folders in folders, nothing, one byte, names outside ASCII, a size off every boundary. */
export const AWKWARD_TREE: ContentPlan = {
  'readme.txt': 4_321,
  'empty.bin': 0,
  'one.byte': 1,
  'deep/er/and deeper/data.bin': 3_000_001,
  'deep/er/second.bin': 65_536,
  'naïve café/ünïcødé ✓.dat': 777_777,
  '日本語/ファイル.bin': 1_234_567,
};

const STEP = 4 << 20;

/** Writes a file whose bytes follow from its name and size alone. */
export async function writeFileOf(path: string, seed: string, size: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const key = createHash('sha256').update(seed).digest().subarray(0, 16);
  const stream = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(STEP);
  const file = await open(path, 'w');
  try {
    for (let left = size; left > 0; left -= STEP) {
      await file.write(stream.update(zeros.subarray(0, Math.min(left, STEP))));
    }
  } finally {
    await file.close();
  }
}

export async function writeTree(folder: string, plan: ContentPlan): Promise<void> {
  for (const [name, size] of Object.entries(plan)) await writeFileOf(join(folder, name), name, size);
}

/** Where pixtorrent keeps what it knows of a folder's content; nobody else's file has that name. */
const SIDE_FOLDER = '.pixtorrent';

/** Every file below a folder with the SHA-256 of what is in it: two equal trees are equal to the byte. */
export async function digestTree(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  const digests: Record<string, string> = {};
  for (const file of files.sort()) {
    const name = relative(folder, file).split(sep).join('/');
    if (!name.startsWith(`${SIDE_FOLDER}/`)) digests[name] = await digestFile(file);
  }
  return digests;
}

async function digestFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: STEP }), hash);
  return hash.digest('hex');
}
