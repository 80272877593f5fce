import { mkdir, mkdtemp, readFile, rename, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogFields, Logger, Timer, Timers } from '@pixtorrent/core';
import { silentLogger } from '@pixtorrent/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import { Metrics } from '../metrics/metrics.ts';
import { WatchedFiles } from './watched-files.ts';

let folder: string;
let lines: { level: string; message: string; fields: LogFields | undefined }[];
let logger: Logger;
let watched: WatchedFiles<string> | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pix-files-'));
  lines = [];
  const note = (level: string) => (message: string, fields?: LogFields) =>
    void lines.push({ level, message, fields });
  logger = { ...silentLogger, info: note('info'), error: note('error') };
});

afterEach(async () => {
  watched?.close();
  watched = undefined;
  await rm(folder, { recursive: true });
});

/** A look at the files happens when it is told to, and is waited for. */
class Looks implements Timers {
  #next: (() => void) | undefined;
  #scheduled = Promise.withResolvers<void>();
  period: number | undefined;

  after(delay: number, callback: () => void): Timer {
    this.period = delay;
    this.#next = callback;
    this.#scheduled.resolve();
    return {
      cancel: () => {
        this.#next = undefined;
      },
    };
  }

  get waiting(): boolean {
    return this.#next !== undefined;
  }

  /** Fulfilled after the look, when the next one is due. */
  async look(): Promise<void> {
    this.#scheduled = Promise.withResolvers();
    const next = this.#next!;
    this.#next = undefined;
    next();
    await this.#scheduled.promise;
  }
}

function watch(paths: readonly string[], metrics?: Metrics) {
  const looks = new Looks();
  const parse = (contents: readonly string[]): string => {
    if (contents.includes('broken')) throw new Error('is broken\u001b[31m');
    return contents.join('+');
  };
  const files = new WatchedFiles(
    { timers: looks, logger, ...(metrics && { metrics }) },
    { name: 'test', paths, parse },
  );
  watched = files;
  return { files, looks };
}

it('has what files change to, and says so once', async () => {
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  await writeFile(a, '1');
  await writeFile(b, '2');
  const metrics = new Metrics('test');
  const { files, looks } = watch([a, b], metrics);
  const told: string[] = [];
  files.onChange((value) => told.push(value));
  const end = files.onChange(() => told.push('never'));
  end();
  await looks.look();
  expect([files.current, told, looks.period]).toEqual(['1+2', [], 10_000]);
  await writeFile(b, '3');
  await looks.look();
  await looks.look();
  expect([files.current, told]).toEqual(['1+3', ['1+3']]);
  expect(lines.map(({ level }) => level)).toEqual(['info']);
  expect(await metrics.read()).toContain('pixtorrent_test_file_reloads_total{files="test",result="ok"} 1\n');
});

it('notices what Kubernetes does: a folder that is replaced behind two links', async () => {
  const mounted = async (version: string): Promise<void> => {
    await mkdir(join(folder, version));
    await writeFile(join(folder, version, 'tls.crt'), version);
    await symlink(version, join(folder, 'next'));
    await rename(join(folder, 'next'), join(folder, '..data'));
  };
  await mounted('v1');
  await symlink(join('..data', 'tls.crt'), join(folder, 'tls.crt'));
  const { files, looks } = watch([join(folder, 'tls.crt')]);
  await mounted('v2');
  await rm(join(folder, 'v1'), { recursive: true });
  await looks.look();
  expect(files.current).toBe('v2');
});

it('keeps what it had while files cannot be used, complains once for each reason, and mends by itself', async () => {
  const path = join(folder, 'a');
  await writeFile(path, 'good');
  const metrics = new Metrics('test');
  const { files, looks } = watch([path], metrics);
  await writeFile(path, 'broken');
  await looks.look();
  await looks.look();
  expect(files.current).toBe('good');
  expect(lines).toEqual([
    { level: 'error', message: expect.any(String), fields: { files: 'test', reason: 'is broken\ufffd[31m' } },
  ]);
  await unlink(path);
  await looks.look();
  await looks.look();
  await writeFile(path, '');
  await truncate(path, 5 * 2 ** 20);
  await looks.look();
  expect(lines.map(({ fields }) => fields?.reason)).toEqual([
    expect.stringContaining('broken'),
    expect.stringContaining('ENOENT'),
    expect.stringContaining('larger than 4 MiB'),
  ]);
  expect(files.current).toBe('good');
  await writeFile(path, 'better');
  await looks.look();
  expect(files.current).toBe('better');
  expect(await metrics.read()).toContain('file_reloads_total{files="test",result="failed"} 3\n');
});

it('does not begin with what cannot be used', async () => {
  const path = join(folder, 'a');
  expect(() => watch([path])).toThrow(ConfigError);
  await writeFile(path, 'broken');
  expect(() => watch([path])).toThrow('test cannot be used: is broken\ufffd[31m');
});

it('looks no more once it is closed, also where it was looking', async () => {
  const path = join(folder, 'a');
  await writeFile(path, 'good');
  const { files, looks } = watch([path]);
  await writeFile(path, 'better');
  void looks.look();
  files.close();
  // Its own reading is over long before this.
  for (let i = 0; i < 50; i++) await readFile(path);
  expect([files.current, looks.waiting, lines]).toEqual(['good', false, []]);
});
