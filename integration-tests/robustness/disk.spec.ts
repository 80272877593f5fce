import { truncate } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { event, startGet, startSeed } from '../support/clients/pixtorrent.ts';
import { digestTree } from '../support/content.ts';
import { run } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';
import { scoped } from '../support/scope.ts';
import { fixture } from './fixture.ts';

describe.runIf(requirement('root'))('a full disk', () => {
  it('ends the download by its own exit code, and the message says what happened', () =>
    scoped(async (scope) => {
      const content = await fixture(scope, 32 << 20);
      const seed = await startSeed(scope, { torrent: content.torrent, folder: content.folder, port: 0 });
      const small = await scope.folder();
      await run(['mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', small]);
      scope.defer(() => run(['umount', small]));
      const job = { torrent: content.torrent, folder: small, port: 0, peers: [seed.endpoint] };
      const get = await startGet(scope, job);
      expect((await get.exit(30)).code, get.log).toBe(4);
      const { message } = await event(get, 'error', 1);
      expect(message).toMatch(/space|full/i);
      expect(message).toContain('content.bin');
    }));
});

it('a file that is cut while it is seeded is named, and nobody gets wrong bytes', () =>
  scoped(async (scope) => {
    const { torrent, folder, file, size, digests } = await fixture(scope, 32 << 20);
    const seed = await startSeed(scope, { torrent, folder, port: 0 }, '--upload-rate', '8MiB');
    const target = await scope.folder();
    const job = { torrent, folder: target, port: 0, peers: [seed.endpoint] };
    const get = await startGet(scope, job, '--sequential');
    await event(get, 'progress', 30, (progress) => progress.downloaded >= size / 8);
    await truncate(file, size / 2);
    const { message } = await event(seed.process, 'error', 30);
    expect(message).toContain('content.bin');
    expect(get.stdout.some((line) => line.includes('"complete"'))).toBe(false);
    await get.stop();
    await seed.process.stop();

    const whole = await fixture(scope, size);
    const again = await startSeed(scope, { torrent: whole.torrent, folder: whole.folder, port: 0 });
    const second = await startGet(scope, { ...job, peers: [again.endpoint] });
    expect((await second.exit(60)).code, second.log).toBe(0);
    expect(await digestTree(target)).toEqual(digests);
  }));
