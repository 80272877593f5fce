import { once } from 'node:events';
import { readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Stage, until } from '../../fixtures/stage.ts';
import type { TorrentSession } from '../torrent-session.ts';
import type { ReadOptions } from './content-reader.ts';

const PIECE = 65_536;
const FILES = { 'a.bin': 3_000_000, 'b.bin': 1_234_567, 'c/empty': 0, 'c/d.bin': 99_999 };

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open(FILES);
});

afterEach(() => stage.close());

async function readAll(
  session: TorrentSession,
  offset: number,
  length: number,
  options?: ReadOptions,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of session.read(offset, length, options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const pieces = (offset: number, length: number) =>
  Math.floor((offset + length - 1) / PIECE) - Math.floor(offset / PIECE) + 1;

describe('reading a torrent', () => {
  it('gives any range while all of it is downloaded', async () => {
    const seeder = await stage.seeder();
    const { session } = await stage.leecher('target', [seeder.client]);
    const { length } = stage.content;
    for (const [offset, size] of [
      [2_500_000, 900_000],
      [0, 1],
      [length - 1, 1],
      [length, 0],
      [PIECE - 1, 2],
      [0, length],
    ] as const) {
      expect(
        (await readAll(session, offset, size)).equals(stage.content.subarray(offset, offset + size)),
      ).toBe(true);
    }
    expect(() => session.read(1, length)).toThrow(RangeError);
  });

  it('gets nothing but what is read where nothing else is wanted, and that once for all who read it', async () => {
    const seeder = await stage.seeder();
    const { session } = await stage.leecher('target', [seeder.client], { selective: true });
    const [offset, size] = [1_000_000, 700_000];
    const expected = stage.content.subarray(offset, offset + size);
    const readers = await Promise.all([1, 2, 3, 4].map(() => readAll(session, offset, size)));
    for (const got of readers) expect(got.equals(expected)).toBe(true);
    const { downloaded, pieces: have, total } = session.stats();
    expect([downloaded, have, total]).toEqual([
      pieces(offset, size) * PIECE,
      pieces(offset, size),
      stage.content.length,
    ]);
    expect((await readAll(session, offset, size)).equals(expected)).toBe(true);
    expect(session.stats().downloaded).toBe(downloaded);
    expect(session.complete).toBe(false);
  });

  it('keeps a little ahead of a slow reader, and no more', async () => {
    const seeder = await stage.seeder();
    const { session } = await stage.leecher('target', [seeder.client], { selective: true });
    const reader = session.read(0, stage.content.length);
    const first = await reader.next();
    expect(first.value!.length).toBeLessThanOrEqual(256 * 1024);
    await until(() => session.stats().pieces >= 8);
    // What was not asked for within a round trip will not be.
    const other = session.read(4_000_000, 10);
    await other.next();
    expect(session.stats().pieces).toBeLessThanOrEqual(8 + 1);
    await reader.return();
    await other.return();
  });

  it('wants nothing any more for a reader that was aborted', async () => {
    const { session } = await stage.leecher('target', [], { selective: true });
    const abort = new AbortController();
    const reading = readAll(session, 0, 500_000, { signal: abort.signal });
    const left = session.read(1_000_000, 500_000, { signal: abort.signal });
    void left.next().catch(() => {});
    abort.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
    const seeder = await stage.seeder();
    session.addPeers([{ host: '127.0.0.1', port: seeder.client.port }]);
    await readAll(session, 4_000_000, 10);
    expect(session.stats().pieces).toBe(1);
  });

  it('ends with a clear error when a piece does not come, and when the torrent is closed', async () => {
    const { client, session } = await stage.leecher('target', []);
    await expect(readAll(session, 0, 10, { patience: 20 })).rejects.toMatchObject({ code: 'stalled' });
    const waiting = readAll(session, 0, 10);
    const closing = client.close();
    await expect(waiting).rejects.toMatchObject({ code: 'closed' });
    await closing;
    await expect(readAll(session, 0, 10)).rejects.toMatchObject({ code: 'closed' });
  });

  it('ends with the reason when the disk takes nothing more', async () => {
    const seeder = await stage.seeder();
    const { session, dir } = await stage.leecher('target', [seeder.client], { selective: true });
    await rm(join(dir, 'tree'), { recursive: true });
    const failed = once(session, 'failed');
    await expect(readAll(session, 0, 3_000_000)).rejects.toMatchObject({
      code: 'failed',
      cause: { code: 'missing' },
    });
    await failed;
    await expect(readAll(session, 0, 1)).rejects.toMatchObject({ code: 'failed' });
  });

  it('gets again what the disk has lost', async () => {
    const seeder = await stage.seeder();
    const { session, dir } = await stage.leecher('target', [seeder.client]);
    await once(session, 'complete');
    await truncate(join(dir, 'tree', 'a.bin'), 1_000_000);
    const lost = once(session, 'lost');
    const whole = await readAll(session, 0, stage.content.length);
    expect(whole.equals(stage.content)).toBe(true);
    await lost;
    await until(() => session.complete && session.fileOnDisk(0) !== undefined);
    expect((await readFile(session.fileOnDisk(0)!)).equals(stage.content.subarray(0, FILES['a.bin']))).toBe(
      true,
    );
  });

  it('says where a file is once all of it is there', async () => {
    const seeder = await stage.seeder();
    const { session, dir } = await stage.leecher('target', [seeder.client], { selective: true });
    const { files } = stage.metainfo;
    expect(files.map((_, file) => session.fileOnDisk(file))).toEqual(
      files.map((file) => (file.length === 0 ? join(dir, ...file.path) : undefined)),
    );
    const second = files[1]!;
    await readAll(session, second.offset, second.length);
    await until(() => session.fileOnDisk(1) !== undefined);
    const bytes = await readFile(session.fileOnDisk(1)!);
    expect(bytes.equals(stage.content.subarray(second.offset, second.offset + second.length))).toBe(true);
    expect(session.fileOnDisk(0)).toBeUndefined();
  });
});
