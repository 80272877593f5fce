import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Hasher } from '../hashing/hasher.ts';
import { FileStorage } from './file-storage.ts';
import { type MadeFile, madeTorrent, temporaryFolder } from './fixtures/made-torrent.ts';
import { writeVerified } from './write-verified.ts';

const PIECE = 256 * 1024;
const sha1 = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest();

let folder: string;
let remove: () => Promise<void>;
let hasher: Hasher;
beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
});
afterEach(async () => {
  await hasher.close();
  await remove();
});

function shared(bytes: Uint8Array): Buffer {
  const copy = Buffer.from(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

async function opened(workers: number, files: readonly MadeFile[], selected?: ReadonlySet<number>) {
  hasher = new Hasher({ workers });
  const { metainfo, content } = madeTorrent(files, PIECE);
  const storage = await FileStorage.forDownload(folder, metainfo, selected ? { selected } : {});
  const write = async (piece: number, expected?: Uint8Array) => {
    const at = piece * PIECE;
    const bytes = shared(content.subarray(at, at + PIECE));
    const heard: boolean[] = [];
    const done = writeVerified({ storage, hasher }, at, bytes, expected ?? sha1(bytes), (ok) =>
      heard.push(ok),
    );
    return { stored: await done, heard };
  };
  return { storage, metainfo, content, write };
}

describe.each([0, 2])('writeVerified with %i workers', (workers) => {
  it('stores each piece that is right, in whatever files it lies, and says so before', async () => {
    const files = [
      { length: 2.5 * PIECE },
      { length: 100 },
      { length: PIECE / 2 - 100, padding: true },
      { length: 1.2 * PIECE },
    ].map((file) => ({ ...file, length: Math.floor(file.length) }));
    const { storage, metainfo, content, write } = await opened(workers, files);
    const outcomes = await Promise.all(
      Array.from({ length: metainfo.pieceCount }, (_, piece) => write(piece)),
    );
    expect(outcomes).toEqual(outcomes.map(() => ({ stored: true, heard: [true] })));
    const bytes = Buffer.alloc(content.length, 9);
    await storage.read(0, bytes);
    expect(bytes.equals(content)).toBe(true);
    await storage.close();
  });

  it('writes nothing of a piece that is wrong', async () => {
    const { storage, write } = await opened(workers, [{ length: 2 * PIECE, path: ['model'] }]);
    expect(await write(1, Buffer.alloc(20, 7))).toEqual({ stored: false, heard: [false] });
    await storage.close();
    expect(readFileSync(join(folder, 'model')).equals(Buffer.alloc(2 * PIECE))).toBe(true);
  });

  it('keeps a piece that reaches into a file that was not selected', async () => {
    const { storage, content, write } = await opened(
      workers,
      [{ length: 1.5 * PIECE }, { length: PIECE }],
      new Set([0]),
    );
    expect(await write(1)).toEqual({ stored: true, heard: [true] });
    const bytes = Buffer.alloc(PIECE);
    await storage.read(PIECE, bytes);
    expect(bytes.equals(content.subarray(PIECE, 2 * PIECE))).toBe(true);
    await expect(write(2)).rejects.toMatchObject({ code: 'not-selected' });
    await storage.close();
  });

  it('refuses after the storage was closed, and closes only when what was begun is written', async () => {
    const { storage, content, write } = await opened(workers, [{ length: 8 * PIECE, path: ['model'] }]);
    const begun = Array.from({ length: 8 }, (_, piece) => write(piece));
    if (workers > 0) await storage.close();
    await Promise.all(begun);
    await storage.close();
    expect(readFileSync(join(folder, 'model')).equals(content)).toBe(true);
    await expect(write(0)).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('writeVerified', () => {
  it('fails what had not been written when the hasher was closed', async () => {
    const { storage, write } = await opened(1, [{ length: 40 * PIECE }]);
    const outcomes = Promise.allSettled(Array.from({ length: 40 }, (_, piece) => write(piece)));
    await hasher.close();
    const rejected = (await outcomes).filter((outcome) => outcome.status === 'rejected');
    expect(rejected.length).toBeGreaterThan(0);
    for (const { reason } of rejected) expect(reason).toMatchObject({ code: 'closed' });
    await storage.close();
  });

  /** A file system of its own takes root. */
  it.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
    'says that the disk is full, and of which file',
    async () => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'pixtorrent-test', folder]);
      try {
        const { storage, write } = await opened(2, [{ length: 8 * PIECE, path: ['big'] }]);
        const outcomes = await Promise.allSettled(Array.from({ length: 8 }, (_, piece) => write(piece)));
        const rejected = outcomes.filter((outcome) => outcome.status === 'rejected');
        expect(rejected.length).toBeGreaterThan(3);
        for (const { reason } of rejected) {
          expect(reason).toMatchObject({ code: 'disk-full', path: join(folder, 'big') });
        }
        await storage.close();
      } finally {
        execFileSync('umount', [folder]);
      }
    },
  );
});
