import type { Metainfo } from '@pixtorrent/metainfo';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { FileStorage } from './file-storage.ts';
import { madeTorrent, temporaryFolder } from './fixtures/made-torrent.ts';
import { MemoryStorage } from './memory-storage.ts';
import type { Storage } from './storage.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function fileStorage(metainfo: Metainfo, selected?: ReadonlySet<number>): Promise<Storage> {
  const { folder, remove } = await temporaryFolder();
  cleanUps.push(remove);
  return FileStorage.forDownload(folder, metainfo, {
    maxOpenFiles: 2,
    ...(selected === undefined ? {} : { selected }),
  });
}

async function memoryStorage(metainfo: Metainfo, selected?: ReadonlySet<number>): Promise<Storage> {
  return new MemoryStorage(metainfo, selected);
}

/** What every storage does. */
describe.each([
  ['FileStorage', fileStorage],
  ['MemoryStorage', memoryStorage],
])('%s', (_, open) => {
  it('reads back what was written, in whatever ranges', async () => {
    const files = fc.array(
      fc.record({
        length: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 200 })),
        padding: fc.boolean(),
      }),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(
        files.filter((all) => all.some((file) => file.length > 0)),
        fc.infiniteStream(fc.integer({ min: 1, max: 150 })),
        async (made, sizes) => {
          const { metainfo, content } = madeTorrent(made, 64);
          const storage = await open(metainfo);
          const next = sizes[Symbol.iterator]();
          for (let at = 0; at < content.length; ) {
            const end = Math.min(content.length, at + next.next().value!);
            await storage.write(at, content.subarray(at, end));
            at = end;
          }
          await storage.sync();
          for (let at = 0; at < content.length; ) {
            const end = Math.min(content.length, at + next.next().value!);
            const bytes = Buffer.alloc(end - at, 9);
            await storage.read(at, bytes);
            expect(bytes.equals(content.subarray(at, end))).toBe(true);
            at = end;
          }
          await storage.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('reads zeros where nothing was written yet', async () => {
    const { metainfo } = madeTorrent([{ length: 100 }], 64);
    const storage = await open(metainfo);
    const bytes = Buffer.alloc(100, 1);
    await storage.read(0, bytes);
    expect(bytes.equals(Buffer.alloc(100))).toBe(true);
    await storage.close();
  });

  it('drops what is written to padding', async () => {
    const { metainfo } = madeTorrent([{ length: 10 }, { length: 6, padding: true }], 16);
    const storage = await open(metainfo);
    await storage.write(0, Buffer.alloc(16, 5));
    const bytes = Buffer.alloc(16);
    await storage.read(0, bytes);
    expect(bytes.toString('hex')).toBe(`${'05'.repeat(10)}${'00'.repeat(6)}`);
    await storage.close();
  });

  it('keeps the pieces of selected files whole, also where they reach into others', async () => {
    const { metainfo, content } = madeTorrent([{ length: 20 }, { length: 100 }, { length: 20 }], 16);
    const storage = await open(metainfo, new Set([0, 2]));
    const held = [];
    for (let piece = 0; piece < metainfo.pieceCount; piece++) {
      const at = piece * 16;
      const whole = content.subarray(at, at + 16);
      if (!storage.holds(at, whole.length)) {
        await expect(storage.write(at, whole)).rejects.toMatchObject({ code: 'not-selected' });
        await expect(storage.read(at, Buffer.alloc(whole.length))).rejects.toMatchObject({
          code: 'not-selected',
        });
        continue;
      }
      held.push(piece);
      await storage.write(at, whole);
    }
    expect(held).toEqual([0, 1, 7, 8]);
    for (const piece of held) {
      const bytes = Buffer.alloc(Math.min(16, content.length - piece * 16));
      await storage.read(piece * 16, bytes);
      expect(bytes.equals(content.subarray(piece * 16, piece * 16 + 16))).toBe(true);
    }
    await storage.close();
  });

  it('refuses a range outside the content', async () => {
    const { metainfo } = madeTorrent([{ length: 10 }], 16);
    const storage = await open(metainfo);
    await expect(storage.read(5, Buffer.alloc(6))).rejects.toThrow(RangeError);
    await expect(storage.write(-1, Buffer.alloc(2))).rejects.toThrow(RangeError);
    await storage.close();
  });

  it('serves many at once, whatever files they touch', async () => {
    const { metainfo, content } = madeTorrent(
      Array.from({ length: 20 }, () => ({ length: 77 })),
      64,
    );
    const storage = await open(metainfo);
    const pieces = Array.from({ length: metainfo.pieceCount }, (_, piece) => piece * 64);
    await Promise.all(pieces.map((at) => storage.write(at, content.subarray(at, at + 64))));
    const read = pieces.map((at) => Buffer.alloc(Math.min(64, content.length - at)));
    await Promise.all(pieces.map((at, index) => storage.read(at, read[index]!)));
    expect(Buffer.concat(read).equals(content)).toBe(true);
    await storage.close();
  });

  it('finishes what is in flight when it is closed, and refuses what comes later', async () => {
    const { metainfo } = madeTorrent([{ length: 1000 }], 64);
    const storage = await open(metainfo);
    const bytes = Buffer.alloc(1000, 3);
    const writing = storage.write(0, bytes);
    await storage.close();
    await writing;
    await expect(storage.read(0, bytes)).rejects.toMatchObject({ code: 'closed' });
    await expect(storage.write(0, bytes)).rejects.toMatchObject({ code: 'closed' });
    await expect(storage.sync()).rejects.toMatchObject({ code: 'closed' });
  });
});
