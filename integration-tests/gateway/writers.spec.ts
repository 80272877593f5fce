import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestTree, writeFileOf, writeTree } from '../support/content.ts';
import { type PeerNodeProcess, startPeerNode } from '../support/peer-node.ts';
import { Process, run, until } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';
import { Scope, scoped } from '../support/scope.ts';
import { startTrackerService } from '../support/tracker-service.ts';

const TOKEN = 'a-token-of-the-tests-of-writers';
const AUTHORIZED = ['-H', `authorization: Bearer ${TOKEN}`];

describe.runIf(requirement('readers'))('curl publishes', () => {
  const scope = new Scope();
  let node: PeerNodeProcess;
  let other: PeerNodeProcess;
  let folder: string;

  beforeAll(async () => {
    const tracker = await startTrackerService(scope);
    node = await startPeerNode(scope, { tracker, env: { PEER_TOKEN: TOKEN } });
    other = await startPeerNode(scope, { tracker });
    folder = await scope.folder();
  });

  afterAll(() => scope.close());

  /** What an answer says, with its status. */
  async function curl(...args: readonly string[]): Promise<Record<string, unknown>> {
    const said = await run(['curl', '-s', '--max-time', '50', '-w', '\\n%{http_code}', ...args]);
    const [body, status] = said.split('\n') as [string, string];
    return { status: Number(status), ...JSON.parse(body) };
  }

  function url(path: string): string {
    return `http://127.0.0.1:${node.http}/v1/content/${path}`;
  }

  it('a file, which other nodes give too', async () => {
    const file = join(folder, 'weights.bin');
    await writeFileOf(file, 'weights', 40_000_000);
    const put = [...AUTHORIZED, '-T', file, url('sets/a/weights.bin?label=tier=gold')];
    const answer = await curl(...put);
    expect(answer).toMatchObject({ status: 201, name: 'sets/a', version: 1, size: 40_000_000 });
    const got = join(folder, 'got', 'weights.bin');
    await until(
      20,
      async () => {
        const asked = await fetch(`http://127.0.0.1:${other.http}/v1/content/sets/a`, { method: 'HEAD' });
        return asked.ok || undefined;
      },
      () => other.process.failure('does not hear of it'),
    );
    await run([
      'curl',
      '-sf',
      '--create-dirs',
      '-o',
      got,
      `http://127.0.0.1:${other.http}/v1/content/sets/a`,
    ]);
    const digests = await digestTree(folder);
    expect(digests['got/weights.bin']).toBe(digests['weights.bin']);
    expect(await curl(...put)).toMatchObject({
      status: 200,
      version: 1,
      unchanged: true,
    });
  });

  it('a folder, by tar', async () => {
    const source = join(folder, 'tree');
    await writeTree(source, { 'a.bin': 100_000, 'b/c.bin': 3_000_000, 'b/d/empty': 0 });
    const command = `tar -C '${source}' -cf - . | curl -s -w '\\n%{http_code}' -H 'authorization: Bearer ${TOKEN}' -H 'content-type: application/x-tar' -T - '${url('sets/tree/')}'`;
    const [body, status] = (await run(['sh', '-c', command])).split('\n') as [string, string];
    expect([status, JSON.parse(body)]).toMatchObject(['201', { name: 'sets/tree', size: 3_100_000 }]);
    const [infoHash] = [JSON.parse(body).infoHash];
    expect(await digestTree(join(node.dir, 'content', infoHash, 'tree'))).toMatchObject(
      await digestTree(source),
    );
  });

  it('nothing without the token, and sends nothing either', async () => {
    const file = join(folder, 'weights.bin');
    const command = [
      'curl',
      '-s',
      '-w',
      '\\n%{http_code} %{size_upload}',
      '-T',
      file,
      url('sets/b/weights.bin'),
    ];
    expect(await run(command)).toMatch(/bearer token is wanted.*\n401 0$/);
  });

  it('nothing that was broken off, and all of it when it is done again', () =>
    scoped(async (inner) => {
      const file = join(folder, 'weights.bin');
      const before = await readdir(join(node.dir, 'content'));
      const args = [...AUTHORIZED, '-T', file, url('sets/c/weights.bin?piece-length=65536')];
      const slow = await Process.start(inner, 'curl', ['curl', '-s', '--limit-rate', '4M', ...args]);
      const ingest = join(node.dir, 'ingest');
      await until(
        10,
        async () => (await readdir(ingest)).length > 0 || undefined,
        () => node.process.failure('takes nothing in'),
        20,
      );
      slow.signal('SIGKILL');
      await until(
        10,
        async () => (await readdir(ingest)).length === 0 || undefined,
        () => node.process.failure('keeps what was broken off'),
        20,
      );
      expect(await readdir(join(node.dir, 'content'))).toEqual(before);
      expect((await fetch(url('sets/c'))).status).toBe(404);
      expect(await curl(...args)).toMatchObject({ status: 201, name: 'sets/c', version: 1 });
    }));
});
