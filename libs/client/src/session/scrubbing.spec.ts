import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Stage, until } from '../fixtures/stage.ts';
import type { ScrubProgress } from './scrubbing.ts';

const PIECE = 65_536;

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open({ 'a.bin': 1_000_000, 'b.bin': 500_001 });
});

afterEach(() => stage.close());

/** Changes a bit as a bad disk does: nobody has written to the file. */
async function rot(path: string, at: number): Promise<void> {
  const reference = `${path}.time`;
  await writeFile(reference, '');
  await promisify(execFile)('touch', ['-r', path, reference]);
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  await file.write(Buffer.from([byte[0]! ^ 1]), 0, 1, at);
  await file.close();
  await promisify(execFile)('touch', ['-r', reference, path]);
  await rm(reference);
}

describe('scrubbing', () => {
  it('finds what has changed on the disk, gives it to nobody, and gets it again', async () => {
    const seeder = await stage.seeder();
    const { client, session, dir } = await stage.leecher('target', [seeder.client]);
    await once(session, 'complete');
    await rot(join(dir, 'tree', 'a.bin'), 3 * PIECE + 5);
    await rot(join(dir, 'tree', 'b.bin'), 500_000);
    const lost: number[] = [];
    session.on('lost', (piece) => lost.push(piece));
    const seen: ScrubProgress[] = [];
    for await (const progress of session.scrub()) {
      if (progress.piece === 3) expect(session.bitfield().has(3)).toBe(false);
      seen.push(progress);
    }
    const last = stage.metainfo.pieceCount - 1;
    expect(seen.filter(({ good }) => !good).map(({ piece }) => piece)).toEqual([3, last]);
    expect(lost).toEqual([3, last]);
    expect(seen.at(-1)).toMatchObject({ piece: last, bytes: stage.content.length });
    expect(client.figures().piecesLost).toBe(2);
    await until(
      () => session.complete && session.fileOnDisk(0) !== undefined && session.fileOnDisk(1) !== undefined,
    );
    const files = await Promise.all(['a.bin', 'b.bin'].map((name) => readFile(join(dir, 'tree', name))));
    expect(Buffer.concat(files).equals(stage.content)).toBe(true);
    for await (const progress of session.scrub({ from: 3 })) {
      expect(progress).toMatchObject({ piece: 3, good: true });
      break;
    }
  });

  it('has the next session know what was lost though nobody could give it again', async () => {
    const { pieceCount } = stage.metainfo;
    const seeder = await stage.seeder();
    const { client, session, dir } = await stage.leecher('target', [seeder.client]);
    await once(session, 'complete');
    await until(() => session.fileOnDisk(0) !== undefined && session.fileOnDisk(1) !== undefined);
    await seeder.client.close();
    await rot(join(stage.folder, 'source', 'tree', 'b.bin'), 300_000);
    await rot(join(dir, 'tree', 'a.bin'), 5 * PIECE);
    // Nothing but the bytes has changed: a session that does not look knows nothing of it.
    const unaware = await stage.seeder();
    expect(unaware.session.bitfield().complete).toBe(true);
    for (const one of [unaware.session, session]) for await (const _ of one.scrub());
    await Promise.all([client.close(), unaware.client.close()]);
    const again = [(await stage.seeder()).session, (await stage.leecher('target', [])).session];
    expect(again.map((one) => one.bitfield().count)).toEqual([pieceCount - 1, pieceCount - 1]);
    expect(again[1]!.bitfield().has(5)).toBe(false);
  });

  it('reads no faster than it is told to, and ends when it is told to', async () => {
    const { session } = await stage.seeder();
    const start = performance.now();
    const abort = new AbortController();
    let bytes = 0;
    const slow = (async () => {
      for await (const progress of session.scrub({ bytesPerSecond: 2_000_000, signal: abort.signal })) {
        bytes = progress.bytes;
        if (bytes >= 600_000) abort.abort(new Error('enough'));
      }
    })();
    await expect(slow).rejects.toThrow('enough');
    expect(performance.now() - start).toBeGreaterThan(((bytes - 65_536) / 2_000_000) * 1000 - 150);
    expect(bytes).toBeLessThan(800_000);
  });
});
