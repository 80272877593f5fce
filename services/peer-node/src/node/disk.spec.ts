import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, type Timers } from '@pixtorrent/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ContentFolder } from '../content/content-folder.ts';
import { Disk } from './disk.ts';

let root: string;
/** What is due, by its delay in milliseconds; nothing happens by itself. */
const due = new Set<{ readonly run: () => void }>();
const timers: Timers = {
  after(_, run) {
    const timer = { run };
    due.add(timer);
    return { cancel: () => due.delete(timer) };
  },
};

beforeEach(async () => {
  due.clear();
  root = await mkdtemp(join(tmpdir(), 'pix-disk-'));
});

afterEach(() => rm(root, { recursive: true, force: true }));

function fire(): void {
  const [first] = due;
  due.delete(first!);
  first!.run();
}

it('notices that the disk takes no writes any more, and that it does again', async () => {
  const folder = await ContentFolder.open(root, silentLogger);
  const disk = await Disk.open({ folder, timers, logger: silentLogger });
  expect([disk.fault, disk.full]).toEqual([undefined, false]);
  expect(disk.free).toBeGreaterThan(0);
  await rm(root, { recursive: true });
  fire();
  await expect.poll(() => disk.fault).toMatch(/ENOENT/);
  await expect.poll(() => due.size).toBe(1);
  await ContentFolder.open(root, silentLogger);
  fire();
  await expect.poll(() => disk.fault).toBeUndefined();
  disk.close();
});

it('does not wait for a disk that hangs, nor ask it again meanwhile', async () => {
  const folder = await ContentFolder.open(root, silentLogger);
  let asked = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const check = (): Promise<void> => {
    asked++;
    return promise;
  };
  const disk = await Disk.open({ folder: { paths: folder.paths, check }, timers, logger: silentLogger });
  fire();
  expect(due.size).toBe(1);
  fire();
  expect(disk.fault).toBe('it takes no write within 10 s');
  expect([asked, due.size]).toEqual([1, 0]);
  resolve();
  await expect.poll(() => disk.fault).toBeUndefined();
  expect(due.size).toBe(1);
});
