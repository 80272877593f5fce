import { once } from 'node:events';
import { open, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Stage, until } from '../fixtures/stage.ts';
import type { ScrubProgress } from './scrubbing.ts';

const PIECE = 65_536;

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open({ 'a.bin': 1_000_000, 'b.bin': 500_001 });
});

afterEach(() => stage.close());

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  await file.write(Buffer.from([byte[0]! ^ 1]), 0, 1, at);
  await file.close();
}

describe('scrubbing', () => {
  it('finds what has changed on the disk, gives it to nobody, and gets it again', async () => {
    const seeder = await stage.seeder();
    const { client, session, dir } = await stage.leecher('target', [seeder.client]);
    await once(session, 'complete');
    await flip(join(dir, 'tree', 'a.bin'), 3 * PIECE + 5);
    await flip(join(dir, 'tree', 'b.bin'), 500_000);
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
    const seeder = await stage.seeder();
    await truncate(join(stage.folder, 'source', 'tree', 'a.bin'), 5 * PIECE);
    await flip(join(stage.folder, 'source', 'tree', 'b.bin'), 300_000);
    for await (const _ of seeder.session.scrub());
    const here = [...seeder.session.bitfield()];
    expect(here.length).toBeLessThan(stage.metainfo.pieceCount - 8);
    await seeder.client.close();
    const again = await stage.seeder();
    expect([...again.session.bitfield()]).toEqual(here);
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
