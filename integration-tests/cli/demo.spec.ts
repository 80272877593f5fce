import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { PIXTORRENT } from '../support/clients/pixtorrent.ts';
import { Process, until } from '../support/processes.ts';
import { type Scope, scoped } from '../support/scope.ts';
import { events, pixtorrent } from './command.ts';

it('a swarm on this machine ends by itself, tells what it measured, and leaves nothing behind', () =>
  scoped(async (scope) => {
    const folder = await scope.folder();
    const ended = await pixtorrent(['demo', '--nodes', '3', '--size', '16MiB', '--json'], { TMPDIR: folder });
    expect(ended.code, ended.stderr).toBe(0);
    const [told, ...more] = events(ended.stdout);
    expect(more).toEqual([]);
    expect(told).toMatchObject({ event: 'demo', nodes: 3, size: 16 << 20 });
    expect(told!.nodeSeconds).toHaveLength(3);
    expect(told!.seederCopies).toBeGreaterThanOrEqual(1);
    expect(told!.seederCopies).toBeLessThan(3.5);
    expect(told!.publishSeconds).toBeGreaterThan(0);
    expect(told!.firstByteSeconds).toBeGreaterThan(0);
    expect(await readdir(folder)).toEqual([]);
  }));

it('goes on running with --stay, for whoever wants to read from it', () =>
  scoped(async (scope) => {
    const folder = await scope.folder();
    const demo = await Process.start(
      scope,
      'demo',
      [...PIXTORRENT, 'demo', '--nodes', '2', '--size', '1MiB', '--stay', '--json'],
      { env: { TMPDIR: folder } },
    );
    const line = await demo.line('addresses', (text) => text.includes('"running"'), 60);
    const { server, nodes, page } = JSON.parse(line);
    expect(page).toMatch(/#\/swarms\/demo%401$/);
    expect(await (await fetch(page)).text()).toContain('page/main.js');
    await until(
      10,
      async () => {
        const response = await fetch(new URL('/v1/swarms', page));
        const { swarms } = (await response.json()) as { swarms: { name: string; whole: number }[] };
        return (swarms[0]?.name === 'demo@1' && swarms[0].whole === 3) || undefined;
      },
      () => demo.failure('does not tell the metrics service of its nodes'),
    );
    for (const { url } of nodes) {
      const response = await fetch(url);
      expect(response.status).toBe(200);
      expect((await response.arrayBuffer()).byteLength).toBe(1 << 20);
    }
    await until(
      10,
      async () => {
        const listed = await pixtorrent(['ls', '--json', '--server', server]);
        const [entry] = events(listed.stdout);
        return (entry?.name === 'demo' && entry.copies === 3) || undefined;
      },
      () => demo.failure('does not list what all nodes have'),
    );
    demo.signal('SIGINT');
    expect((await demo.exit(20)).code, demo.log).toBe(130);
    expect(await readdir(folder)).toEqual([]);
  }));

describe.runIf(process.platform === 'linux')('a demonstration that is cut short', () => {
  it('says so when a node ends before its time', () =>
    scoped(async (scope) => {
      const { demo, nodes, folder } = await startDemo(scope);
      process.kill(Number(nodes.at(-1)), 'SIGKILL');
      expect((await demo.exit(20)).code, demo.log).toBe(1);
      expect(demo.log).toContain('the process of node-2 ended (SIGKILL)');
      expect(await readdir(folder)).toEqual([]);
    }));

  it('ends its nodes and clears its folder on Ctrl-C', () =>
    scoped(async (scope) => {
      const { demo, nodes, folder } = await startDemo(scope);
      demo.signal('SIGINT');
      expect((await demo.exit(20)).code, demo.log).toBe(130);
      await expectGone(nodes, demo);
      expect(await readdir(folder)).toEqual([]);
    }));

  it('takes its nodes with it when it is killed', () =>
    scoped(async (scope) => {
      const { demo, nodes } = await startDemo(scope);
      demo.signal('SIGKILL');
      await demo.exit(10);
      await expectGone(nodes, demo);
    }));
});

/** A demonstration whose seeder and nodes run, with their process ids. */
async function startDemo(scope: Scope) {
  const folder = await scope.folder();
  const demo = await Process.start(
    scope,
    'demo',
    [...PIXTORRENT, 'demo', '--nodes', '2', '--size', '512MiB'],
    {
      env: { TMPDIR: folder },
    },
  );
  const nodes = await until(
    60,
    async () => {
      const children = (await readFile(`/proc/${demo.pid}/task/${demo.pid}/children`, 'utf8'))
        .trim()
        .split(' ');
      return children.length === 3 ? children : undefined;
    },
    () => demo.failure('does not start its nodes'),
    50,
  );
  return { demo, nodes, folder };
}

async function expectGone(nodes: readonly string[], demo: Process): Promise<void> {
  await until(
    15,
    async () => {
      const processes = new Set(await readdir('/proc'));
      return nodes.every((node) => !processes.has(node)) || undefined;
    },
    () => demo.failure(`leaves processes behind`),
  );
}
