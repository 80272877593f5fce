import { link, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PeerNodeProcess, startPeerNode } from '../support/peer-node.ts';
import { run, until } from '../support/processes.ts';
import { Scope } from '../support/scope.ts';
import { startTrackerService } from '../support/tracker-service.ts';

const TOKEN = 'a-token-of-the-hostile-tests';
const MIB = 2 ** 20;
const BUDGET = 64 * MIB;

/** How the archive of a folder `evil` is made that leads elsewhere. */
const ARCHIVES: Readonly<Record<string, (folder: string) => Promise<readonly string[]>>> = {
  'a link to a file outside': async (folder) => {
    await symlink('/etc/passwd', join(folder, 'evil', 'link'));
    return ['-C', folder, 'evil'];
  },
  'a link to a folder outside and a file below it': async (folder) => {
    await mkdir(join(folder, 'target', 'out'), { recursive: true });
    await writeFile(join(folder, 'target', 'out', 'file'), 'x');
    await symlink(join(folder, 'target', 'out'), join(folder, 'evil', 'out'));
    return ['-C', join(folder, 'evil'), 'out', '-C', join(folder, 'target'), 'out/file'];
  },
  'a second name of a file': async (folder) => {
    await link(join(folder, 'evil', 'file'), join(folder, 'evil', 'other'));
    return ['-C', folder, 'evil'];
  },
  'an absolute path': async (folder) => ['-P', join(folder, 'evil', 'file')],
  'a path that leads up': async (folder) => ['-P', '-C', join(folder, 'evil'), '../evil/file'],
  'a pipe': async (folder) => {
    await run(['mkfifo', join(folder, 'evil', 'pipe')]);
    return ['-C', folder, 'evil'];
  },
};

describe('a node that is sent what is meant to hurt it', () => {
  const scope = new Scope();
  let node: PeerNodeProcess;
  let parent: string;

  beforeAll(async () => {
    parent = await scope.folder();
    const dir = join(parent, 'node');
    await mkdir(dir);
    const tracker = await startTrackerService(scope);
    const env = { PEER_TOKEN: TOKEN, PEER_DISK_BUDGET: `${BUDGET}B` };
    node = await startPeerNode(scope, { tracker, dir, env });
  });

  afterAll(() => scope.close());

  function put(path: string, body: RequestInit['body'], type: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${node.http}/v1/content/${path}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': type },
      body,
      duplex: 'half',
    } as RequestInit);
  }

  /** Nothing of it is there, inside or outside. */
  async function isClean(): Promise<void> {
    await until(
      5,
      async () => (await readdir(join(node.dir, 'ingest'))).length === 0 || undefined,
      () => node.process.failure('something is left'),
      10,
    );
    expect(await readdir(join(node.dir, 'content'))).toEqual([]);
    expect(await readdir(parent)).toEqual(['node']);
  }

  it.each(Object.entries(ARCHIVES))('refuses an archive with %s', async (_, words) => {
    const folder = await scope.folder();
    await mkdir(join(folder, 'evil'));
    await writeFile(join(folder, 'evil', 'file'), 'content');
    const archive = join(folder, 'evil.tar');
    await run(['tar', '-cf', archive, ...(await words(folder))]);
    const answer = await put('sets/evil/', await readFile(archive), 'application/x-tar');
    expect([answer.status, await answer.text()]).toEqual([422, expect.stringContaining('ingest:invalid')]);
    await isClean();
  });

  it.each(['%2e%2e/x', 'a/..%2f..%2fx', 'a/%00', '/etc/x', 'a//b', 'A%5c..%5cx'])(
    'refuses the path %s',
    async (path) => {
      const answer = await put(path, 'content', 'application/octet-stream');
      await answer.arrayBuffer();
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      await isClean();
    },
  );

  it('ends what does not end where there is no more room, with little memory', async () => {
    const before = residentMemory();
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += MIB;
        controller.enqueue(new Uint8Array(MIB));
      },
    });
    const answer = await put('sets/endless/file', endless, 'application/octet-stream').catch(() => undefined);
    // Who goes on sending may see the connection end before the answer.
    if (answer !== undefined) expect(answer.status).toBe(507);
    expect(sent).toBeLessThan(3 * BUDGET);
    await isClean();
    expect((await residentMemory()) - (await before)).toBeLessThan(100 * MIB);
    const small = await put('sets/small/file', 'content', 'application/octet-stream');
    expect(small.status).toBe(201);
  });

  async function residentMemory(): Promise<number> {
    const status = await readFile(`/proc/${node.process.pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }
});
