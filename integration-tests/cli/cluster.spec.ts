import { readdir, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { TestAuthority } from '@pixtorrent/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PIXTORRENT } from '../support/clients/pixtorrent.ts';
import { digestTree, writeFileOf, writeTree } from '../support/content.ts';
import { type PeerNodeProcess, startPeerNode } from '../support/peer-node.ts';
import { Process, until } from '../support/processes.ts';
import { Scope, scoped } from '../support/scope.ts';
import { startTrackerService, type TrackerService } from '../support/tracker-service.ts';
import { type Ended, events, pixtorrent } from './command.ts';

const TOKEN = 'a-token-of-the-tests-of-commands';

describe('the commands that drive a cluster', () => {
  const scope = new Scope();
  let tracker: TrackerService;
  let nodes: readonly PeerNodeProcess[];
  let folder: string;

  beforeAll(async () => {
    folder = await scope.folder();
    tracker = await startTrackerService(scope);
    const env = { PEER_TOKEN: TOKEN, PEER_INGEST_HOSTS: '127.0.0.1', PEER_DRAIN_TIMEOUT: '0s' };
    nodes = await Promise.all(['n1', 'n2', 'n3'].map((name) => startPeerNode(scope, { tracker, name, env })));
  });

  afterAll(() => scope.close());

  function environment(): Record<string, string> {
    return { PIXTORRENT_SERVER: `127.0.0.1:${tracker.grpc}`, PIXTORRENT_TOKEN: TOKEN };
  }

  function run(...args: readonly string[]): Promise<Ended> {
    return pixtorrent(args, environment());
  }

  /** The events of a command that succeeds. */
  async function told(...args: readonly string[]): Promise<Record<string, unknown>[]> {
    const ended = await run(...args, '--json');
    expect(ended.code, ended.stderr).toBe(0);
    return events(ended.stdout);
  }

  function onDisk(node: PeerNodeProcess, infoHash: unknown): Promise<Record<string, string>> {
    return digestTree(join(node.dir, 'content', String(infoHash)));
  }

  it('publish a folder to every node, and wait until it is there', async () => {
    const source = join(folder, 'tree');
    await writeTree(source, { 'a b.bin': 3_000_000, 'c/d.bin': 70_000, 'c/empty': 0 });
    const [published, spread, ...more] = await told('publish', source, '--name', 'team/tree', '--wait');
    expect(published).toMatchObject({ event: 'published', name: 'team/tree', version: 1, unchanged: false });
    expect(spread).toMatchObject({ event: 'spread', name: 'team/tree', version: 1, nodes: 3 });
    expect(more).toEqual([]);
    const wanted = Object.entries(await digestTree(source)).map(([path, digest]) => [`tree/${path}`, digest]);
    for (const node of nodes)
      expect(await onDisk(node, published!.infoHash)).toMatchObject(Object.fromEntries(wanted));
    const again = await run('publish', source, '--name', 'team/tree');
    expect([again.code, again.stdout]).toEqual([0, 'team/tree@1 has this content already\n']);
  });

  it('prove that what one node is given comes back from each, and leave nothing', async () => {
    const [, checked, ...more] = await told('check', '--size', '300KB');
    expect(checked).toMatchObject({ event: 'checked', nodes: ['n1', 'n2', 'n3'], size: 300_000 });
    expect(more).toEqual([]);
    expect(JSON.stringify(await told('ls'))).not.toContain('pixtorrent-check');
  });

  it('publish a file to as many nodes as are asked for, through the one that is named', async () => {
    const file = join(folder, 'two.bin');
    await writeFileOf(file, 'two', 200_000);
    const options = ['--replicas', '2', '--label', 'tier=gold', '--label', 'a==', '--node', 'n2'];
    const [published] = await told(
      'publish',
      file,
      '--name',
      'two',
      ...options,
      '--piece-length',
      '64KiB',
      '--wait',
    );
    expect(published).toMatchObject({ version: 1, size: 200_000, node: 'n2' });
    expect(await told('ls', 'two')).toMatchObject([
      { event: 'entry', replicas: 2, wanted: 2, whole: 2, labels: { tier: 'gold', a: '=' } },
    ]);
  });

  it('have a node fetch what a URL names, and none that it is not to reach', () =>
    scoped(async (inner) => {
      const server = createServer((_, response) => response.end('fetched by a node'));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      inner.defer(() => server.close());
      const { port } = server.address() as AddressInfo;
      const fetched = await told('publish', '--from', `http://127.0.0.1:${port}/page.txt`, '--name', 'page');
      expect(fetched).toMatchObject([{ event: 'published', name: 'page', size: 17 }]);
      const refused = await run('publish', '--from', `http://[::1]:${port}/page.txt`, '--name', 'other');
      expect([refused.code, refused.stderr]).toEqual([
        1,
        expect.stringMatching(/::1.* is an internal address/),
      ]);
    }));

  it('list versions, and remove one or all of them from every disk', async () => {
    const file = join(folder, 'versions.txt');
    const hashes: unknown[] = [];
    for (const text of ['one', 'two', 'three']) {
      await writeFile(file, text);
      const [published] = await told('publish', file, '--name', 'versions', '--wait');
      hashes.push(published!.infoHash);
    }
    expect(await told('ls', 'versions', '--all')).toMatchObject([
      { version: 1 },
      { version: 2 },
      { version: 3 },
    ]);
    expect(await told('ls', 'versions')).toMatchObject([{ version: 3, size: 5, copies: 3 }]);
    const table = await run('ls', 'versions');
    expect(table.stdout).toMatch(
      /^NAME +SIZE +REPLICAS +WHOLE ON +PUBLISHED \(UTC\)\nversions@3 +5 B +all +3\/3 +\d{4}-\d\d-\d\d \d\d:\d\d\n$/,
    );
    expect((await run('rm', 'versions@1')).stdout).toBe('removed 1 version of versions\n');
    expect(await told('rm', 'versions')).toEqual([{ event: 'removed', name: 'versions', versions: 2 }]);
    for (const node of nodes)
      await until(
        10,
        async () => {
          const there = await readdir(join(node.dir, 'content'));
          return hashes.every((hash) => !there.includes(String(hash))) || undefined;
        },
        () => node.process.failure('keeps what was removed'),
      );
    const gone = await run('rm', 'versions');
    expect([gone.code, gone.stderr]).toEqual([1, 'pixtorrent: versions is not in the catalogue\n']);
  });

  it('show nodes and content, for people and for programs', async () => {
    const all = await run('status');
    const [head, ...lines] = all.stdout.split('\n');
    expect(head).toMatch(/^NODE +STATE +ZONE +DISK +DOWN +UP$/);
    expect(lines.slice(0, 3)).toEqual(
      ['n1', 'n2', 'n3'].map((name) =>
        expect.stringMatching(new RegExp(`^${name} +ready +- .* of .*/s +.*/s$`)),
      ),
    );
    expect(all.stdout).toMatch(/^team\/tree@1 +3.07 MB +█{20} 100% +3\/3 +3$/m);
    const one = await run('status', 'two');
    expect(one.stdout).toMatch(
      /^two@1 {2}200 kB, whole on 2 of 2 nodes that should hold it\n█{20} 100%, avail/,
    );
    const [status] = await told('status', 'two');
    expect(status).toMatchObject({ event: 'status', content: [{ name: 'two', completion: 1, copies: 2 }] });
    const none = await run('status', 'nothing');
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('holds nothing named nothing')]);
  });

  it('show it again and again until Ctrl-C', () =>
    scoped(async (inner) => {
      const watching = await Process.start(inner, 'status', [...PIXTORRENT, 'status', '--watch', '--json'], {
        env: environment(),
      });
      await until(
        10,
        () => watching.stdout.length > 2 || undefined,
        () => watching.failure('shows nothing'),
      );
      watching.signal('SIGINT');
      expect((await watching.exit(10)).code).toBe(130);
    }));

  it('leave nothing half-published on Ctrl-C', () =>
    scoped(async (inner) => {
      const file = join(folder, 'large.bin');
      await writeFile(file, '');
      await truncate(file, 20_000_000_000);
      const publishing = await Process.start(
        inner,
        'publish',
        [...PIXTORRENT, 'publish', file, '--name', 'large', '--node', 'n3'],
        { env: environment() },
      );
      const ingest = join(nodes[2]!.dir, 'ingest');
      await until(
        10,
        async () => (await readdir(ingest)).length > 0 || undefined,
        () => publishing.failure('sends nothing'),
        20,
      );
      publishing.signal('SIGINT');
      expect((await publishing.exit(10)).code, publishing.log).toBe(130);
      await until(
        10,
        async () => (await readdir(ingest)).length === 0 || undefined,
        () => nodes[2]!.process.failure('keeps what was broken off'),
        20,
      );
      expect(await told('ls', 'large')).toEqual([]);
    }));

  it.each<[string, Record<string, string>, RegExp]>([
    ['no token', { PIXTORRENT_TOKEN: '' }, /a bearer token is wanted here.*give its token by --token-file/],
    ['a wrong one', { PIXTORRENT_TOKEN: 'b'.repeat(32) }, /the bearer token is not known here/],
  ])('change nothing with %s', async (_, env, reason) => {
    // More than is on its way when the refusal comes.
    const source = join(folder, 'many');
    await writeTree(
      source,
      Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}.bin`, 1_000_000])),
    );
    for (const args of [
      ['publish', source, '--name', 'denied'],
      ['publish', '--from', 'http://127.0.0.1:1/a', '--name', 'denied'],
      ['drain', 'n1'],
    ]) {
      const ended = await pixtorrent(args, { ...environment(), ...env });
      expect([ended.code, ended.stdout, ended.stderr]).toEqual([1, '', expect.stringMatching(reason)]);
    }
    expect(await told('ls', 'denied')).toEqual([]);
  });

  it('take the token from a file too', async () => {
    const token = join(folder, 'token');
    await writeFile(token, `${TOKEN}\n`);
    const env = { ...environment(), PIXTORRENT_TOKEN: 'b'.repeat(32) };
    const ended = await pixtorrent(['publish', 'LICENSE', '--name', 'license', '--token-file', token], env);
    expect([ended.code, ended.stdout]).toEqual([0, expect.stringMatching(/^published license@1/)]);
  });

  it.each([
    [['publish', 'LICENSE', '--name', 'A b'], 1, /^pixtorrent: name: has to be of a-z/],
    [['publish', '/nothing', '--name', 'a'], 1, /cannot read \/nothing: it does not exist/],
    [
      ['publish', 'LICENSE', '--name', 'a', '--node', 'n9'],
      1,
      /no node n9 that is ready; there are: n1, n2, n3/,
    ],
    [['publish', 'LICENSE'], 2, /--name is missing; see pixtorrent publish --help/],
    [['publish', '--name', 'a'], 2, /give a path or --from URL/],
    [
      ['publish', 'LICENSE', '--name', 'a', '--replicas', '0'],
      2,
      /--replicas 0: give all, or a number from 1/,
    ],
    [['publish', 'LICENSE', '--name', 'a', '--label', 'x'], 2, /--label x: give KEY=VALUE/],
    [['rm', 'a@b'], 2, /give NAME or NAME@VERSION/],
    [['drain', 'n9'], 1, /there is no node n9; there are: n1, n2, n3/],
    [
      ['ls', '--server', '127.0.0.1:1'],
      3,
      /tracker service at 127.0.0.1:1 does not answer .*is --server right/,
    ],
    [['ls', '--server', 'nowhere'], 2, /--server nowhere/],
  ] as const)('say what is wrong with %j', async (args, code, reason) => {
    const ended = await run(...args);
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([code, '', expect.stringMatching(reason)]);
    expect(ended.stderr.split('\n')).toHaveLength(2);
  });

  it.each(['publish', 'ls', 'status', 'rm', 'drain'])('explain themselves: %s --help', async (command) => {
    const { code, stdout } = await pixtorrent([command, '--help']);
    expect([code, stdout]).toEqual([0, expect.stringContaining('Examples:')]);
    expect(stdout).toContain('--server');
  });

  it('drain a node: others take what only it has, and the last is not to be switched off', async () => {
    const file = join(folder, 'sole.bin');
    await writeFileOf(file, 'sole', 5_000_000);
    const [published] = await told('publish', file, '--name', 'sole', '--replicas', '1', '--wait');
    const holder = nodes.find(({ name }) => name === published!.node)!;
    const others = nodes.filter((node) => node !== holder);
    const drained = await told('drain', holder.name, '--timeout', '30');
    expect(drained.at(-1)).toEqual({ event: 'drained', node: holder.name, safe: true });
    const elsewhere = await Promise.all(
      others.map(async (node) =>
        (await readdir(join(node.dir, 'content'))).includes(String(published!.infoHash)),
      ),
    );
    expect(elsewhere).toContain(true);
    await told('drain', others[0]!.name, '--timeout', '30');
    const last = await run('drain', others[1]!.name, '--timeout', '5');
    expect([last.code, last.stderr]).toEqual([
      1,
      expect.stringMatching(
        /do not switch n\d off: no node that stays has \d+ pieces of it, and no other node/,
      ),
    ]);
  });
});

it('speaks to services by TLS, with a certificate of its own where they want one', () =>
  scoped(async (scope) => {
    const folder = await scope.folder();
    const authority = new TestAuthority();
    const files = { key: join(folder, 'key.pem'), certificate: join(folder, 'certificate.pem') };
    const { key, certificate } = authority.issue({ hosts: ['localhost', '127.0.0.1'] });
    const ca = join(folder, 'ca.pem');
    await Promise.all([
      writeFile(files.key, key),
      writeFile(files.certificate, certificate),
      writeFile(ca, authority.certificate),
    ]);
    const tracker = await startTrackerService(scope, {
      env: {
        TRACKER_GRPC_TLS_KEY_FILE: files.key,
        TRACKER_GRPC_TLS_CERT_FILE: files.certificate,
        TRACKER_GRPC_TLS_CLIENT_CA_FILE: ca,
      },
    });
    await startPeerNode(scope, {
      tracker,
      trackerHost: 'localhost',
      env: {
        PEER_TOKEN: TOKEN,
        PEER_ADVERTISE: 'localhost',
        PEER_TRACKER_TLS: 'true',
        PEER_TLS_KEY_FILE: files.key,
        PEER_TLS_CERT_FILE: files.certificate,
        PEER_TLS_CA_FILE: ca,
        PEER_TLS_CLIENTS: 'true',
      },
    });
    const env = { PIXTORRENT_SERVER: `localhost:${tracker.grpc}`, PIXTORRENT_TOKEN: TOKEN };
    const publish = ['publish', 'LICENSE', '--name', 'license', '--wait'];
    const own = ['--tls-ca', ca, '--tls-cert', files.certificate, '--tls-key', files.key];
    const published = await pixtorrent([...publish, ...own], env);
    expect([published.code, published.stdout]).toEqual([0, expect.stringContaining('on 1 node after')]);
    const checked = await pixtorrent(
      ['check', '--size', '70KB', ...own, '--tls-server-name', 'localhost'],
      env,
    );
    expect([checked.code, checked.stdout]).toEqual([
      0,
      expect.stringMatching(/70 kB came back from \S+ within/),
    ]);
    const stranger = await pixtorrent(['check', ...own, '--tls-server-name', 'another'], env);
    expect([stranger.code, stranger.stdout]).toEqual([3, '']);
    for (const less of [[], ['--tls-ca', ca]]) {
      const { code, stderr } = await pixtorrent(['ls', ...less], env);
      expect([code, stderr]).toEqual([3, expect.stringMatching(/does not answer .*is --server right\?/)]);
    }
  }));
