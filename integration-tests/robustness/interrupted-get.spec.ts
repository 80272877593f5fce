import { expect, it } from 'vitest';
import { event, startGet, startSeed } from '../support/clients/pixtorrent.ts';
import { digestTree } from '../support/content.ts';
import { scoped } from '../support/scope.ts';
import { fixture } from './fixture.ts';

it('resumes after a sudden death, and does not fetch again what it had', () =>
  scoped(async (scope) => {
    const { torrent, folder, size, digests } = await fixture(scope, 64 << 20);
    const seed = await startSeed(scope, { torrent, folder, port: 0 }, '--upload-rate', '16MiB');
    const target = await scope.folder();
    const job = { torrent, folder: target, port: 0, peers: [seed.endpoint] };

    const first = await startGet(scope, job);
    const { downloaded } = await event(first, 'progress', 30, (progress) => progress.downloaded >= size / 4);
    first.signal('SIGKILL');
    expect((await first.exit(10)).signal).toBe('SIGKILL');

    const second = await startGet(scope, job);
    const exit = await second.exit(60);
    expect(exit.code, second.log).toBe(0);
    expect(await digestTree(target)).toEqual(digests);
    const complete = await event(second, 'complete', 1);
    expect(complete.downloaded).toBeLessThan(size - downloaded / 2);
  }));

it('stops cleanly on Ctrl-C, says so by its exit code, and goes on later', () =>
  scoped(async (scope) => {
    const { torrent, folder, size, digests } = await fixture(scope, 32 << 20);
    const seed = await startSeed(scope, { torrent, folder, port: 0 }, '--upload-rate', '12MiB');
    const target = await scope.folder();
    const job = { torrent, folder: target, port: 0, peers: [seed.endpoint] };

    const first = await startGet(scope, job);
    await event(first, 'progress', 30, (progress) => progress.downloaded >= size / 4);
    first.signal('SIGINT');
    expect((await first.exit(10)).code, first.log).toBe(130);

    const second = await startGet(scope, job);
    expect((await second.exit(60)).code, second.log).toBe(0);
    expect(await digestTree(target)).toEqual(digests);
  }));
