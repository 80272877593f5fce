import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Endpoint } from '../support/clients/client.ts';
import { startSeed, startTracker } from '../support/clients/pixtorrent.ts';
import { AWKWARD_TREE, digestTree, writeTree } from '../support/content.ts';
import { type Scope, scoped } from '../support/scope.ts';
import { events, pixtorrent } from './command.ts';

interface Seeded {
  readonly torrent: string;
  readonly magnet: string;
  readonly endpoint: Endpoint;
  readonly digests: Readonly<Record<string, string>>;
}

/** A folder of awkward names, made into a torrent and seeded; `tracker` goes into the torrent. */
async function seeded(scope: Scope, tracker?: string): Promise<Seeded> {
  const folder = await scope.folder();
  await writeTree(join(folder, 'tree'), AWKWARD_TREE);
  const digests = await digestTree(join(folder, 'tree'));
  const torrent = join(await scope.folder(), 'tree.torrent');
  const trackers = tracker === undefined ? [] : ['--tracker', tracker];
  const made = await pixtorrent(['create', join(folder, 'tree'), '--out', torrent, '--json', ...trackers]);
  expect(made.code, made.stderr).toBe(0);
  const magnet = String(events(made.stdout)[0]!.magnet);
  const { endpoint } = await startSeed(scope, { torrent, folder, port: 0 });
  return { torrent, magnet, endpoint, digests };
}

it('a folder goes from one process to another that finds it through the tracker', () =>
  scoped(async (scope) => {
    const { torrent, digests } = await seeded(scope, await startTracker(scope));
    const target = await scope.folder();
    const got = await pixtorrent(['get', torrent, '--dir', target]);
    expect(got.code, got.stderr).toBe(0);
    expect(got.stdout).toMatch(/^whole: .*\n$/);
    expect(await digestTree(join(target, 'tree'))).toEqual(digests);
    const verified = await pixtorrent(['verify', torrent, '--dir', target]);
    expect(verified.code, verified.stderr).toBe(0);
  }));

it('a magnet link is enough, with a tracker in it or with a peer', () =>
  scoped(async (scope) => {
    const { magnet, endpoint, digests } = await seeded(scope, await startTracker(scope));
    const bare = magnet.replace(/&tr=[^&]*/, '');
    const peer = `${endpoint.host}:${endpoint.port}`;
    for (const args of [[magnet], [bare, '--peer', peer]]) {
      const target = await scope.folder();
      const got = await pixtorrent(['get', ...args, '--dir', target]);
      expect(got.code, got.stderr).toBe(0);
      expect(await digestTree(join(target, 'tree'))).toEqual(digests);
    }
  }));

it('--select gets the files that match and no others', () =>
  scoped(async (scope) => {
    const { torrent, endpoint, digests } = await seeded(scope);
    const target = await scope.folder();
    const args = ['--peer', `${endpoint.host}:${endpoint.port}`, '--select', 'deep/**', '--select', '*.txt'];
    const got = await pixtorrent(['get', torrent, '--dir', target, ...args]);
    expect(got.code, got.stderr).toBe(0);
    const names = Object.keys(digests).filter((name) => /^deep\/|\.txt$/.test(name));
    expect(names).toHaveLength(3);
    expect(await digestTree(join(target, 'tree'))).toEqual(
      Object.fromEntries(names.map((name) => [name, digests[name]])),
    );
  }));

it('--json prints ready, then complete, and nothing that is no event', () =>
  scoped(async (scope) => {
    const { torrent, endpoint } = await seeded(scope);
    const target = await scope.folder();
    const peer = `${endpoint.host}:${endpoint.port}`;
    const run = ['get', torrent, '--dir', target, '--peer', peer, '--host', '127.0.0.1', '--json'];
    const first = await pixtorrent(run);
    expect(first.code, first.stderr).toBe(0);
    const size = Object.values(AWKWARD_TREE).reduce((sum, length) => sum + length, 0);
    const told = events(first.stdout).filter(({ event }) => event !== 'progress');
    expect(told).toEqual([
      {
        event: 'ready',
        infoHash: expect.stringMatching(/^[0-9a-f]{40}$/),
        host: '127.0.0.1',
        port: expect.any(Number),
      },
      { event: 'complete', downloaded: size, seconds: expect.any(Number) },
    ]);
    const again = await pixtorrent(run);
    expect(events(again.stdout).at(-1)).toMatchObject({ event: 'complete', downloaded: 0 });
  }));

it('gives up where nobody can be reached, and says who was asked', () =>
  scoped(async (scope) => {
    const { torrent } = await seeded(scope, 'http://127.0.0.1:9/announce');
    const target = await scope.folder();
    const got = await pixtorrent(['get', torrent, '--dir', target, '--timeout', '2', '--json']);
    expect(got.code).toBe(3);
    expect(events(got.stdout).at(-1)).toMatchObject({ event: 'error', code: 'no-peers' });
    expect(got.stderr).toContain('http://127.0.0.1:9/announce failed');
  }));

it('seed, get and tracker say that a port is taken', () =>
  scoped(async (scope) => {
    const { torrent, endpoint } = await seeded(scope);
    const target = await scope.folder();
    const place = ['--host', '127.0.0.1', '--port', `${endpoint.port}`, '--dir', target];
    for (const args of [
      ['get', torrent, ...place],
      ['seed', torrent, ...place],
      ['tracker', '--host', '127.0.0.1', '--http-port', `${endpoint.port}`],
    ]) {
      const refused = await pixtorrent(args);
      expect(refused.code, args[0]).toBe(3);
      expect(refused.stderr).toContain(`${endpoint.port}`);
    }
  }));
