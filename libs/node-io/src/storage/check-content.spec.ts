import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, open, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bitfield, SeededRandom } from '@pixtorrent/core';
import { pieceSize } from '@pixtorrent/metainfo';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Hasher } from '../hashing/hasher.ts';
import { Slab } from '../memory/slab.ts';
import { type CheckOptions, checkContent } from './check-content.ts';
import { FileStorage } from './file-storage.ts';
import { madeTorrent, temporaryFolder } from './fixtures/made-torrent.ts';
import { hashContent } from './hash-content.ts';
import { MemoryStorage } from './memory-storage.ts';
import { ResumeFile } from './resume-file.ts';

const PIECE = 1024;
const { metainfo, content } = madeTorrent(
  [{ length: 10_000 }, { length: 0 }, { length: 240, padding: true }, { length: 20_000 }, { length: 333 }],
  PIECE,
);
const every = Array.from({ length: metainfo.pieceCount }, (_, piece) => piece);
const SECOND = 1000;

let folder: string;
let remove: () => Promise<void>;
let hasher: Hasher;
beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
  hasher = new Hasher({ workers: 0 });
});
afterEach(async () => {
  await hasher.close();
  await remove();
});

const file = (index: number) => join(folder, ...metainfo.files[index]!.path);
const pieceBytes = (piece: number) =>
  content.subarray(piece * PIECE, piece * PIECE + pieceSize(metainfo, piece));

/** One session: what it finds at its start, and how many bytes it hashed for that. */
async function begin(options: CheckOptions & { selected?: ReadonlySet<number>; readOnly?: boolean } = {}) {
  const { selected, readOnly, ...rest } = options;
  const choice = selected === undefined ? {} : { selected };
  const storage = readOnly
    ? FileStorage.forSeeding(folder, metainfo, choice)
    : await FileStorage.forDownload(folder, metainfo, choice);
  const resume = new ResumeFile(folder, metainfo);
  let hashed = 0;
  const digests = hasher.digests.bind(hasher);
  hasher.digests = (bytes, length, step) => {
    hashed += length;
    return digests(bytes, length, step);
  };
  const slab = new Slab({ limit: 16 * 1024 * 1024 });
  const dependencies = { storage, metainfo, hasher, slab, random: new SeededRandom(1) };
  const pieces = await checkContent(dependencies, await resume.load(), rest);
  hasher.digests = digests;
  expect(slab.used).toBe(0);
  return {
    storage,
    pieces,
    hashed,
    found: [...pieces],
    async store(...added: number[]) {
      for (const piece of added) {
        await storage.write(piece * PIECE, pieceBytes(piece));
        pieces.add(piece);
      }
    },
    checkpoint: (final = false) => resume.save(storage, pieces, final),
    async end() {
      await resume.save(storage, pieces, true);
      await storage.close();
    },
  };
}

/** Writes into a file as somebody else would, its time of change moved by milliseconds. */
async function tamper(index: number, position: number, later: number): Promise<void> {
  const before = statSync(file(index));
  const handle = await open(file(index), 'r+');
  await handle.write(Buffer.from([0]), 0, 1, position);
  await handle.close();
  await utimes(file(index), before.atime, new Date(before.mtimeMs + later));
}

async function wholeContent(): Promise<void> {
  const session = await begin();
  await session.store(...every);
  await session.end();
}

describe('checkContent', () => {
  it('hashes nothing of files that it has just made', async () => {
    const session = await begin();
    expect(session.found).toEqual([]);
    expect(session.hashed).toBe(0);
    await session.storage.close();
  });

  it('trusts everything after a clean end', async () => {
    const first = await begin();
    await first.store(0, 1, 2, 15, 29);
    await first.end();
    const next = await begin();
    expect(next.found).toEqual([0, 1, 2, 15, 29]);
    expect(next.hashed).toBe(0);
    await next.storage.close();
  });

  it('hashes everything where there is no record, and then never again', async () => {
    await wholeContent();
    await rm(join(folder, '.pixtorrent'), { recursive: true });
    const seeding = await begin({ readOnly: true });
    expect(seeding.found).toEqual(every);
    expect(seeding.hashed).toBe(metainfo.length);
    await seeding.end();
    const again = await begin({ readOnly: true });
    expect(again.found).toEqual(every);
    expect(again.hashed).toBe(0);
    await again.storage.close();
  });

  it('notices that a file was changed, and hashes its pieces and no others', async () => {
    await wholeContent();
    await tamper(0, 5000, 60 * SECOND);
    const next = await begin();
    expect(next.found).toEqual(every.filter((piece) => piece !== 4));
    expect(next.hashed).toBe(10 * PIECE);
    await next.storage.close();
  });

  it('notices a change in the very next moment after a clean end', async () => {
    await wholeContent();
    await tamper(3, 0, 1);
    const next = await begin({ spotCheck: 0 });
    expect(next.found).toEqual(every.filter((piece) => piece !== 10));
    await next.storage.close();
  });

  it('notices a file that was cut, or is gone, reading only', async () => {
    await wholeContent();
    await truncate(file(3), 5000);
    await rm(file(4));
    const next = await begin({ readOnly: true });
    expect(next.found).toEqual(every.filter((piece) => piece <= 13));
    await next.storage.close();
  });

  it('notices a file that was cut by somebody who set its time back', async () => {
    await wholeContent();
    const { atime, mtime } = statSync(file(3));
    const seeding = await begin({ readOnly: true });
    await utimes(file(3), atime, mtime);
    await seeding.end();
    await truncate(file(3), 5000);
    await utimes(file(3), atime, mtime);
    const next = await begin({ readOnly: true });
    expect(next.found).toEqual(every.filter((piece) => piece <= 13));
    await next.storage.close();
  });

  it('hashes a piece of two files when the first of them was changed', async () => {
    await wholeContent();
    await tamper(3, 19_999, 60 * SECOND);
    const next = await begin();
    expect(next.found).toEqual(every.filter((piece) => piece !== 29));
    await next.storage.close();
  });

  it('makes a file that is gone anew and lacks its pieces', async () => {
    await wholeContent();
    await rm(file(0));
    const next = await begin();
    expect(next.found).toEqual(every.filter((piece) => piece >= 10));
    expect(next.hashed).toBe(0);
    await next.storage.close();
  });

  it('after a kill trusts what was recorded, and looks at what may have been written since', async () => {
    const killed = await begin();
    await killed.store(0, 1, 2, 12);
    await killed.checkpoint();
    await killed.store(3, 13);
    const next = await begin({ spotCheck: 0 });
    expect(next.found).toEqual([0, 1, 2, 3, 12, 13]);
    expect(next.hashed).toBe(2 * PIECE);
    await next.storage.close();
    await killed.storage.close();
  });

  it('after a kill finds a piece that was written by half', async () => {
    const killed = await begin();
    await killed.store(0);
    await killed.checkpoint();
    await killed.storage.write(PIECE, pieceBytes(1).subarray(0, 500));
    const next = await begin({ spotCheck: 0 });
    expect(next.found).toEqual([0]);
    await next.storage.close();
    await killed.storage.close();
  });

  it('after a kill finds what somebody changed at once, by its spot check', async () => {
    const killed = await begin();
    await killed.store(...every);
    await killed.checkpoint();
    await tamper(3, 7000, 2 * SECOND);
    const next = await begin();
    expect(next.found).toEqual(every.filter((piece) => piece !== 16));
    await next.storage.close();
    await killed.storage.close();
  });

  it('distrusts the rest of a file in which the spot check found a bad piece', async () => {
    const killed = await begin();
    await killed.store(...every);
    await killed.checkpoint();
    const bad = [12, 14, 16, 18, 20, 22, 24, 26];
    for (const piece of bad) await tamper(3, (piece - 10) * PIECE + 5, 100);
    const next = await begin({ spotCheck: 10 * PIECE });
    expect(next.found).toEqual(every.filter((piece) => !bad.includes(piece)));
    await next.storage.close();
    await killed.storage.close();
  });

  it('after a kill trusts no file whose time of change its session cannot explain', async () => {
    const killed = await begin();
    await killed.store(...every);
    await killed.checkpoint();
    await tamper(0, 5000, 10 * 60 * SECOND);
    await tamper(3, 5000, -SECOND);
    const next = await begin({ spotCheck: 0 });
    expect(next.found).toEqual(every.filter((piece) => piece !== 4 && piece !== 14));
    await next.storage.close();
    await killed.storage.close();
  });

  it('after a kill trusts no file that was cut since, though it has its size again', async () => {
    const killed = await begin();
    await killed.store(...every);
    await killed.checkpoint();
    await truncate(file(3), 5000);
    const next = await begin({ spotCheck: 0 });
    expect(next.found).toEqual(every.filter((piece) => piece <= 13));
    await next.storage.close();
    await killed.storage.close();
  });

  it('checks everything where the record is damaged', async () => {
    await wholeContent();
    await tamper(0, 0, 0);
    const { path } = new ResumeFile(folder, metainfo);
    const record = await readFile(path);
    for (const damaged of [record.subarray(0, 50), Buffer.alloc(0), Buffer.alloc(100_000, 1)]) {
      await writeFile(path, damaged);
      const next = await begin();
      expect(next.found).toEqual(every.slice(1));
      expect(next.hashed).toBe(metainfo.length);
      await next.storage.close();
    }
    await rm(path);
    await mkdir(path);
    const next = await begin();
    expect(next.found).toEqual(every.slice(1));
    await next.storage.close();
  });

  it('has the pieces of selected files, and finds them again under the same selection', async () => {
    const selected = new Set([3]);
    const first = await begin({ selected });
    const wanted = every.filter((piece) => first.storage.holds(piece * PIECE, pieceSize(metainfo, piece)));
    await first.store(...wanted);
    await first.end();
    expect(existsSync(file(0))).toBe(false);
    const same = await begin({ selected });
    expect(same.found).toEqual(wanted);
    expect(same.hashed).toBe(0);
    await same.storage.close();
    const all = await begin();
    expect(all.found).toEqual(wanted.filter((piece) => piece > 9 && piece < 29));
    await all.storage.close();
  });

  it('stops when it is told to', async () => {
    await wholeContent();
    await rm(join(folder, '.pixtorrent'), { recursive: true });
    await expect(begin({ signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow('stopped');
  });

  it('says how far it is', async () => {
    await wholeContent();
    await rm(join(folder, '.pixtorrent'), { recursive: true });
    const steps: [number, number][] = [];
    const session = await begin({ onProgress: (done, total) => steps.push([done, total]) });
    expect(steps.at(-1)).toEqual([metainfo.length, metainfo.length]);
    await session.storage.close();
  });
});

describe('ResumeFile', () => {
  it('leaves nothing but the record, and replaces it whole', async () => {
    await wholeContent();
    const hash = Buffer.from(metainfo.infoHash).toString('hex');
    expect(readdirSync(join(folder, '.pixtorrent'))).toEqual([`${hash}.resume`]);
  });

  it('does not write through a link', async () => {
    await mkdir(join(folder, 'outside'));
    await symlink(join(folder, 'outside'), join(folder, '.pixtorrent'));
    const storage = FileStorage.forSeeding(folder, metainfo);
    const resume = new ResumeFile(folder, metainfo);
    const pieces = new Bitfield(metainfo.pieceCount);
    await expect(resume.save(storage, pieces, true)).rejects.toMatchObject({ code: 'unsafe-path' });
    expect(readdirSync(join(folder, 'outside'))).toEqual([]);
    await storage.close();
  });

  it.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
    'does without a record on a read-only disk',
    async () => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,ro', 'pixtorrent-test', folder]);
      try {
        const storage = FileStorage.forSeeding(folder, metainfo);
        const resume = new ResumeFile(folder, metainfo);
        expect(await resume.save(storage, new Bitfield(metainfo.pieceCount), true)).toBe(false);
        expect(await resume.load()).toBeUndefined();
        await storage.close();
      } finally {
        execFileSync('umount', [folder]);
      }
    },
  );
});

describe('hashContent', () => {
  it.each([0, 2])('gives the hashes of all pieces with %i workers, reading ahead', async (workers) => {
    await wholeContent();
    const crew = new Hasher({ workers, inlineBelow: 0 });
    const storage = FileStorage.forSeeding(folder, metainfo);
    const { pieceLength, length } = metainfo;
    const steps: number[] = [];
    const options = { onProgress: (done: number) => steps.push(done) };
    const digests = await hashContent({ storage, pieceLength, length, hasher: crew }, options);
    expect(Buffer.from(digests).equals(metainfo.pieceHashes)).toBe(true);
    expect(steps.at(-1)).toBe(length);
    await storage.close();
    await crew.close();
  });

  it('stops between two steps when it is told to', async () => {
    const made = madeTorrent([{ length: 6 * 1024 * 1024 }], 64 * 1024);
    const storage = new MemoryStorage(made.metainfo);
    const stop = new AbortController();
    const steps: number[] = [];
    const options = {
      signal: stop.signal,
      onProgress(done: number) {
        steps.push(done);
        stop.abort(new Error('stopped by the user'));
      },
    };
    const { pieceLength, length } = made.metainfo;
    const hashing = hashContent({ storage, pieceLength, length, hasher }, options);
    await expect(hashing).rejects.toThrow('stopped by the user');
    expect(steps.at(-1)).toBeLessThan(length);
  });

  it('fails where a file is missing', async () => {
    const storage = FileStorage.forSeeding(folder, metainfo);
    const { pieceLength, length } = metainfo;
    await expect(hashContent({ storage, pieceLength, length, hasher })).rejects.toMatchObject({
      code: 'missing',
    });
    await storage.close();
  });
});
