import { createHash } from 'node:crypto';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFileOf } from '../support/content.ts';
import { type PeerNodeProcess, startPeerNode } from '../support/peer-node.ts';
import { run } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';
import { Scope } from '../support/scope.ts';
import { startTrackerService, type TrackerService } from '../support/tracker-service.ts';
import { publish, whenNamed } from './published.ts';

const SIZE = 60_000_000;
const READERS = ['curl', 'wget', 'aria2c'] as const;

describe.runIf(requirement('readers'))('readers of a node that has nothing', () => {
  const scope = new Scope();
  let tracker: TrackerService;
  let folder: string;
  let content: Buffer;

  beforeAll(async () => {
    tracker = await startTrackerService(scope);
    folder = await scope.folder();
    for (const reader of READERS) {
      await writeFileOf(join(folder, reader, 'content.bin'), 'content', SIZE);
      // No node is to hold it but for those who read it.
      await publish(scope, tracker, {
        name: `sets/${reader}`,
        path: join(folder, reader, 'content.bin'),
        replicas: 1,
      });
    }
    content = await readFile(join(folder, 'curl', 'content.bin'));
  });

  afterAll(() => scope.close());

  async function read(name: (typeof READERS)[number], command: (url: string, target: string) => string[]) {
    const node = await startPeerNode(scope, { tracker });
    await whenNamed(node, `sets/${name}`);
    const url = `http://127.0.0.1:${node.http}/v1/content/sets/${name}`;
    const target = join(folder, `${name}.got`);
    await writeFile(target, content);
    // What came before the connection was lost.
    await truncate(target, 20_000_001);
    await run(command(url, target));
    expect(digest(await readFile(target))).toBe(digest(content));
    await expectCounted(node);
  }

  it('by curl -C -', () =>
    read('curl', (url, target) => ['curl', '-sf', '--max-time', '50', '-C', '-', '-o', target, url]));

  it('by wget -c', () =>
    read('wget', (url, target) => ['wget', '-q', '--timeout=50', '--tries=1', '-c', '-O', target, url]));

  it('by aria2c over four connections', () =>
    read('aria2c', (url, target) => [
      'aria2c',
      '-q',
      '--allow-overwrite=true',
      '--max-connection-per-server=4',
      '--split=4',
      '--min-split-size=1M',
      `--dir=${folder}`,
      `--out=${target.slice(folder.length + 1)}`,
      url,
    ]));
});

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Nothing was cut, and the node tells that it was asked. */
async function expectCounted({ ops }: PeerNodeProcess): Promise<void> {
  const metrics = await (await fetch(`http://127.0.0.1:${ops}/metrics`)).text();
  expect(metrics).toMatch(/^pixtorrent_peer_gateway_requests_total\{method="GET",status="2xx"\} [1-9]/m);
  expect(metrics).not.toContain('status="5xx"');
}
