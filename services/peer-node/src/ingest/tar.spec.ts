import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { IngestError } from './errors.ts';
import { IncomingContent } from './incoming-content.ts';
import { takeTar } from './tar.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tar-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

type Entry = Parameters<ReturnType<typeof pack>['entry']>[0] & { readonly bytes?: string };

async function archive(entries: readonly Entry[]): Promise<Buffer> {
  const made = pack();
  for (const { bytes = '', ...header } of entries) made.entry(header, bytes);
  made.finalize();
  const parts: Buffer[] = [];
  for await (const part of made as unknown as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

async function take(bytes: Uint8Array, step = 4096): Promise<IncomingContent> {
  const content = new IncomingContent({
    folder,
    name: 'c',
    directory: true,
    size: undefined,
    maxSize: 100_000,
    pieceLength: undefined,
  });
  const cut = function* () {
    for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
  };
  await takeTar(content, Readable.from(cut()), new AbortController().signal);
  return content;
}

it('takes files and their folders, whatever the archive is cut into', async () => {
  const long = 'd'.repeat(120);
  const bytes = await archive([
    { name: './', type: 'directory' },
    { name: './a', bytes: 'one' },
    { name: `${long}/${long}/run.sh`, mode: 0o755, bytes: 'x'.repeat(3000) },
    { name: 'empty', bytes: '' },
  ]);
  const { content, size } = (await take(bytes, 7)).finish();
  expect(size).toBe(3003);
  expect(content).toEqual([
    { path: ['a'], length: 3, executable: false },
    { path: [long, long, 'run.sh'], length: 3000, executable: true },
    { path: ['empty'], length: 0, executable: false },
  ]);
  expect(await readFile(join(folder, 'c', 'a'), 'utf8')).toBe('one');
  expect((await stat(join(folder, 'c', long, long, 'run.sh'))).mode & 0o100).toBe(0o100);
});

it.each<[string, Entry, RegExp]>([
  ['a symbolic link', { name: 'l', type: 'symlink', linkname: '/etc/passwd' }, /symlink/],
  ['a hard link', { name: 'l', type: 'link', linkname: '../x' }, /link/],
  ['a device', { name: 'd', type: 'character-device', devmajor: 1, devminor: 3 }, /character-device/],
  ['a pipe', { name: 'p', type: 'fifo' }, /fifo/],
  ['an absolute path', { name: '/etc/cron.d/x', bytes: 'x' }, /absolute/],
  ['a path upwards', { name: 'a/../../x', bytes: 'x' }, /leads elsewhere/],
  ['our own folder', { name: '.pixtorrent/x', bytes: 'x' }, /kept for our own/],
])('refuses %s, and writes nothing outside', async (_, entry, message) => {
  const bytes = await archive([{ name: 'fine', bytes: 'x' }, entry]);
  await expect(take(bytes)).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringMatching(message),
  });
  expect(await readdir(folder)).toEqual(['c']);
  expect(await readdir(join(folder, 'c'))).toEqual(['fine']);
});

it('refuses an archive that is cut off or bent with a sentence, and ends', async () => {
  const whole = await archive([{ name: 'a', bytes: 'x'.repeat(2000) }]);
  await expect(take(whole.subarray(0, 1500))).rejects.toMatchObject({ code: expect.any(String) });
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 2000 }), async (garbage) => {
      await rm(join(folder, 'c'), { recursive: true, force: true });
      try {
        (await take(garbage)).finish();
      } catch (error) {
        expect(error).toBeInstanceOf(IngestError);
      }
    }),
    { numRuns: 200 },
  );
});

it('does not read for ever what has no files', async () => {
  const content = new IncomingContent({
    folder,
    name: 'c',
    directory: true,
    size: undefined,
    maxSize: 100_000,
    pieceLength: undefined,
  });
  let read = 0;
  const nothing = function* () {
    for (const zeros = Buffer.alloc(2 ** 20); ; read++) yield zeros;
  };
  await expect(
    takeTar(content, Readable.from(nothing()), new AbortController().signal),
  ).rejects.toMatchObject({
    code: 'too-large',
  });
  expect(read).toBeLessThan(100);
});
