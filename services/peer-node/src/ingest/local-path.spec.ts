import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openPath } from './local-path.ts';

let outer: string;
let folder: string;

beforeEach(async () => {
  outer = await mkdtemp(join(tmpdir(), 'local-path-'));
  folder = join(outer, 'ingest');
  await mkdir(join(folder, 'model', 'sub'), { recursive: true });
  await writeFile(join(folder, 'model', 'a'), 'one');
  await writeFile(join(folder, 'model', 'sub', 'b'), 'two');
  await writeFile(join(outer, 'secret'), 'secret');
});

afterEach(() => rm(outer, { recursive: true, force: true }));

it.each(['model', '/model', './model/', 'model/sub/..'])('finds a folder as %s', async (path) => {
  expect(await openPath(folder, path)).toMatchObject({ name: 'model', directory: true, size: 6 });
});

it('finds a file', async () => {
  expect(await openPath(folder, 'model/a')).toMatchObject({ name: 'a', directory: false, size: 3 });
});

it('does not leave its folder, by no way', async () => {
  await symlink(join(outer, 'secret'), join(folder, 'link'));
  await symlink(outer, join(folder, 'up'));
  for (const path of ['../secret', '..', '.', '', '/', 'link', 'up/secret', 'model/../../secret'])
    await expect(openPath(folder, path)).rejects.toMatchObject({ code: 'refused' });
  await expect(openPath(folder, 'nothing')).rejects.toMatchObject({
    code: 'source',
    message: expect.stringMatching(/ENOENT/),
  });
  await expect(openPath(join(outer, 'none'), 'x')).rejects.toMatchObject({ code: 'source' });
  await symlink('/etc/passwd', join(folder, 'model', 'inner'));
  await expect(openPath(folder, 'model')).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringMatching(/links/),
  });
});
