import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { Client, createTorrent } from '@pixtorrent/client';
import { peer as wire } from '@pixtorrent/contracts';
import { toHex } from '@pixtorrent/core';
import { formatMagnet, parseMetainfo } from '@pixtorrent/metainfo';
import { pack } from 'tar-stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ServedNode, tokenMetadata } from '../fixtures/served-node.ts';

const { TORRENT_STATE_SEEDING: SEEDING, TORRENT_STATE_DOWNLOADING: DOWNLOADING } = wire.TorrentState;
const MISSING = Buffer.alloc(20, 7);

let node: ServedNode;
let folder: string;
const opened: (() => unknown)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pix-grpc-'));
  await mkdir(join(folder, 'mounted', 'set'), { recursive: true });
  await writeFile(join(folder, 'mounted', 'set', 'x.bin'), randomBytes(70_000));
  node = await ServedNode.start({
    env: {
      PEER_DISK_BUDGET: '32MiB',
      PEER_INGEST_MAX_SIZE: '24MiB',
      PEER_INGEST_DIR: join(folder, 'mounted'),
      PEER_INGEST_HOSTS: '127.0.0.0/8',
    },
  });
});

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

afterAll(async () => {
  await node.close();
  await rm(folder, { recursive: true, force: true });
});

function failure(call: Promise<unknown>): Promise<ServiceError> {
  return call.then(
    () => {
      throw new Error('the call succeeded');
    },
    (error: ServiceError) => error,
  );
}

async function torrentOf(
  size: number,
): Promise<{ torrent: Buffer; infoHash: Buffer; content: Buffer; path: string }> {
  const path = join(folder, `${randomBytes(4).toString('hex')}.bin`);
  const content = randomBytes(size);
  await writeFile(path, content);
  const torrent = Buffer.from(await createTorrent(path, {}));
  return { torrent, infoHash: Buffer.from(parseMetainfo(torrent).infoHash), content, path };
}

/** Seeds what is at a path. @returns HOST:PORT */
async function seeded(torrent: Buffer): Promise<string> {
  const client = await Client.open({ host: '127.0.0.1' });
  opened.push(() => client.close());
  const session = await client.seed(parseMetainfo(torrent), { dir: folder });
  session.start();
  return `127.0.0.1:${client.port}`;
}

async function until(look: () => Promise<boolean>): Promise<void> {
  await expect.poll(look, { timeout: 15_000, interval: 50 }).toBe(true);
}

async function torrent(infoHash: Buffer): Promise<wire.Torrent> {
  const answer = await node.call(node.client.getTorrent, { infoHash, pieces: false });
  return (answer as wire.GetTorrentResponse).torrent!;
}

describe('who has no token', () => {
  const changing: [string, (metadata: Metadata) => Promise<unknown>][] = [
    ['AddTorrent', (m) => node.call(node.client.addTorrent, { source: undefined, peers: [] }, m)],
    [
      'RemoveTorrent',
      (m) => node.call(node.client.removeTorrent, { infoHash: MISSING, deleteData: true }, m),
    ],
    ['SetLimits', (m) => node.call(node.client.setLimits, { infoHash: MISSING, limits: undefined }, m)],
    ['Upload', (m) => node.upload({}, [Buffer.from('x')], m)],
    ['Drain', (m) => once(node.client.drain({ timeoutMs: 1 }, m).resume(), 'end')],
    [
      'Ingest',
      (m) => once(node.client.ingest({ publication: undefined, source: undefined }, m).resume(), 'end'),
    ],
  ];

  it.each(changing)('cannot call %s', async (_, call) => {
    expect(await failure(call(new Metadata()))).toMatchObject({ code: status.UNAUTHENTICATED });
    expect(await failure(call(tokenMetadata('another-token-0123456789')))).toMatchObject({
      code: status.UNAUTHENTICATED,
      details: 'the bearer token is not known here',
    });
  });

  it('can look', async () => {
    const answer = await node.call(node.client.getNode, {}, new Metadata());
    expect(answer).toMatchObject({
      node: { name: 'self', version: '0.1.0', draining: false, diskBudget: 32 * 2 ** 20 },
    });
    expect((answer as wire.GetNodeResponse).node!.diskFree).toBeGreaterThan(0);
    await node.call(node.client.listTorrents, { pageSize: 0, pageToken: '' }, new Metadata());
  });

  it('is told which setting is missing where nobody has one', async () => {
    const other = await ServedNode.start({ env: { PEER_TOKEN: '' } });
    opened.push(() => other.close());
    const error = await failure(other.upload({}, [Buffer.from('x')]));
    expect(error).toMatchObject({
      code: status.UNAUTHENTICATED,
      details: 'this node lets nobody change anything: set PEER_TOKEN or PEER_TOKEN_FILE',
    });
    const put = await fetch(`http://127.0.0.1:${other.service.ports.http}/v1/content/a/b.bin`, {
      method: 'PUT',
      body: 'x',
    });
    expect(put.status).toBeGreaterThanOrEqual(400);
  });
});

describe('a torrent', () => {
  it('is got from peers that are named, seen on its way, and removed with its data', async () => {
    const { torrent: bytes, infoHash, content, path } = await torrentOf(3_000_000);
    const peers = [await seeded(bytes)];
    const watch = node.client.watchTorrents({ infoHashes: [infoHash], intervalMs: 100 });
    opened.push(() => watch.cancel());
    watch.on('error', () => {});
    const states: number[] = [];
    const gone: Buffer[] = [];
    watch.on('data', (message: wire.WatchTorrentsResponse) => {
      for (const { state } of message.torrents) states.push(state);
      gone.push(...message.gone);
    });
    const request = { source: { $case: 'torrent', torrent: bytes }, peers } as const;
    const added = await node.call(node.client.addTorrent, request as wire.AddTorrentRequest);
    expect((added as wire.AddTorrentResponse).torrent).toMatchObject({ size: 3_000_000, entries: [] });
    expect(await failure(node.call(node.client.addTorrent, request as wire.AddTorrentRequest))).toMatchObject(
      {
        code: status.ALREADY_EXISTS,
      },
    );
    await until(async () => (await torrent(infoHash)).state === SEEDING);
    const got = await node.call(node.client.getTorrent, { infoHash, pieces: true });
    const { torrent: message, pieces } = got as wire.GetTorrentResponse;
    expect(message).toMatchObject({ have: 3_000_000, downloaded: 3_000_000, havePieces: message!.pieces });
    expect([...pieces].reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)).toBe(
      message!.pieces,
    );
    const name = path.split('/').at(-1)!;
    const kept = join(node.dir, 'content', infoHash.toString('hex'), name);
    expect((await readFile(kept)).equals(content)).toBe(true);
    await until(async () => states.includes(SEEDING));
    await node.call(node.client.removeTorrent, { infoHash, deleteData: true });
    await until(async () => gone.length > 0);
    expect(gone[0]!.equals(infoHash)).toBe(true);
    expect(await readdir(join(node.dir, 'content'))).not.toContain(infoHash.toString('hex'));
    expect(await failure(node.call(node.client.removeTorrent, { infoHash, deleteData: true }))).toMatchObject(
      {
        code: status.NOT_FOUND,
      },
    );
  });

  it('is got by a magnet link, and keeps its data where that is asked', async () => {
    const { torrent: bytes, infoHash, path } = await torrentOf(200_000);
    const magnet = formatMagnet({
      infoHash: parseMetainfo(bytes).infoHash,
      trackers: [],
      peers: [],
      webSeeds: [],
    });
    const request: wire.AddTorrentRequest = {
      source: { $case: 'magnet', magnet },
      peers: [await seeded(bytes)],
    };
    await node.call(node.client.addTorrent, request);
    await until(async () => (await torrent(infoHash)).state === SEEDING);
    await node.call(node.client.removeTorrent, { infoHash, deleteData: false });
    const kept = join(node.dir, 'content', infoHash.toString('hex'), path.split('/').at(-1)!);
    expect((await readFile(kept)).length).toBe(200_000);
  });

  it('has peers that are told, and limits of its own', async () => {
    const { torrent: bytes, infoHash } = await torrentOf(8_000_000);
    const peers = [await seeded(bytes)];
    const limits = { downloadRate: 64 * 1024, uploadRate: 0 };
    const ofNode = await node.call(node.client.setLimits, { infoHash: Buffer.alloc(0), limits });
    expect(ofNode).toEqual({ limits });
    const request: wire.AddTorrentRequest = { source: { $case: 'torrent', torrent: bytes }, peers };
    await node.call(node.client.addTorrent, request);
    await until(async () => (await torrent(infoHash)).peers === 1);
    const listed = (await node.call(node.client.listPeers, { infoHash })) as wire.ListPeersResponse;
    expect(listed.peers).toEqual([
      expect.objectContaining({
        address: peers[0],
        seeder: true,
        incoming: false,
        wire: 'pixwire',
        encrypted: false,
      }),
    ]);
    const own = await node.call(node.client.setLimits, {
      infoHash,
      limits: { downloadRate: 0, uploadRate: 20_000 },
    });
    expect(own).toEqual({ limits: { downloadRate: 0, uploadRate: 20_000 } });
    expect((await torrent(infoHash)).state).toBe(DOWNLOADING);
    await node.call(node.client.setLimits, {
      infoHash: Buffer.alloc(0),
      limits: { downloadRate: 0, uploadRate: 0 },
    });
    await until(async () => (await torrent(infoHash)).state === SEEDING);
    await node.call(node.client.removeTorrent, { infoHash, deleteData: true });
  });

  it('is refused where the budget does not suffice, or it is none', async () => {
    const { torrent: bytes } = await torrentOf(33 * 2 ** 20);
    const add = (source: wire.AddTorrentRequest['source'], peers: string[] = []) =>
      failure(node.call(node.client.addTorrent, { source, peers }));
    expect(await add({ $case: 'torrent', torrent: bytes })).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    });
    expect(await add({ $case: 'torrent', torrent: Buffer.from('nothing') })).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(/^torrent: /),
    });
    expect(await add({ $case: 'magnet', magnet: 'magnet:?xt=none' })).toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
    expect(await add(undefined, ['no port'])).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('peers[0]'),
    });
  });

  it('is not here', async () => {
    for (const call of [
      node.call(node.client.getTorrent, { infoHash: MISSING, pieces: false }),
      node.call(node.client.listPeers, { infoHash: MISSING }),
      node.call(node.client.setLimits, { infoHash: MISSING, limits: { downloadRate: 0, uploadRate: 0 } }),
    ])
      expect(await failure(call)).toMatchObject({ code: status.NOT_FOUND });
    const short = node.call(node.client.getTorrent, { infoHash: Buffer.alloc(19), pieces: false });
    expect(await failure(short)).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'info_hash: has 19 bytes, 20 are wanted',
    });
  });
});

it('lists torrents in pages, by their info hashes', async () => {
  for (let i = 0; i < 5; i++) await node.upload({ name: `pages/${i}` }, [randomBytes(20_000)]);
  const seen: string[] = [];
  for (let pageToken = ''; ; ) {
    const page = await node.call(node.client.listTorrents, { pageSize: 2, pageToken });
    const { torrents, nextPageToken } = page as wire.ListTorrentsResponse;
    expect(torrents.length).toBeLessThanOrEqual(2);
    seen.push(...torrents.map(({ infoHash }) => toHex(infoHash)));
    pageToken = nextPageToken;
    if (pageToken === '') break;
  }
  expect(seen.length).toBeGreaterThanOrEqual(5);
  expect(seen).toEqual([...new Set(seen)].sort());
  for (const wrong of [
    { pageSize: 1001, pageToken: '' },
    { pageSize: 1, pageToken: 'x' },
  ])
    expect(await failure(node.call(node.client.listTorrents, wrong))).toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
});

describe('an upload', () => {
  it('is published and seeded, and once more is no news', async () => {
    const parts = [randomBytes(2 ** 20), randomBytes(2 ** 20), randomBytes(1234)];
    const size = 2 * 2 ** 20 + 1234;
    const { published } = await node.upload({ name: 'up/one', size }, parts);
    expect(published).toMatchObject({ name: 'up/one', version: 1, size, unchanged: false });
    await until(async () => (await torrent(published!.infoHash)).state === SEEDING);
    const { entries } = await torrent(published!.infoHash);
    expect(entries).toEqual(['up/one@1']);
    const again = await node.upload({ name: 'up/one', size }, parts);
    expect(again.published).toEqual({ ...published, unchanged: true });
    const removal = node.call(node.client.removeTorrent, { infoHash: published!.infoHash, deleteData: true });
    expect(await failure(removal)).toMatchObject({ code: status.FAILED_PRECONDITION });
  });

  it('brings a folder as an archive', async () => {
    const archive = pack();
    archive.entry({ name: 'sub/a.txt' }, 'one');
    archive.entry({ name: 'b.txt' }, 'two');
    archive.finalize();
    const parts: Buffer[] = [];
    for await (const chunk of archive) parts.push(chunk as Buffer);
    const content = { $case: 'directory', directory: 'set' } as const;
    const { published } = await node.upload({ name: 'up/set', content, size: 6 }, parts);
    expect(published).toMatchObject({ size: 6, unchanged: false });
    const unsized = await node.upload({ name: 'up/set', content }, parts);
    expect(unsized.published).toEqual({ ...published, unchanged: true });
    const path = join(node.dir, 'content', toHex(published!.infoHash), 'set', 'sub', 'a.txt');
    expect(await readFile(path, 'utf8')).toBe('one');
  });

  it.each<[string, Parameters<ServedNode['upload']>, number, RegExp]>([
    [
      'more than was said',
      [{ size: 10 }, [Buffer.alloc(11, 1)]],
      status.INVALID_ARGUMENT,
      /more than the 10/,
    ],
    ['less than was said', [{ size: 10 }, [Buffer.alloc(9, 1)]], status.ABORTED, /9 of 10/],
    ['nothing', [{}, []], status.INVALID_ARGUMENT, /no bytes/],
    [
      'a message that is too large',
      [{}, [Buffer.alloc(2 ** 20 + 1)]],
      status.INVALID_ARGUMENT,
      /^data: has 1048577 bytes/,
    ],
    [
      'a name that leads elsewhere',
      [{ content: { $case: 'file', file: '../x' } }, [Buffer.from('x')]],
      status.INVALID_ARGUMENT,
      /^\.\.\/x/,
    ],
    [
      'a name that the catalogue does not take',
      [{ name: 'No Good' }, [Buffer.from('x')]],
      status.INVALID_ARGUMENT,
      /^header\.publication\.name: /,
    ],
    ['too much for the node', [{ size: 25 * 2 ** 20 }, []], status.INVALID_ARGUMENT, /25165824 bytes/],
  ])('of %s is refused, and leaves nothing', async (_, upload, code, message) => {
    const before = node.tracker.entries.size;
    expect(await failure(node.upload(...upload))).toMatchObject({
      code,
      details: expect.stringMatching(message),
    });
    expect(await readdir(join(node.dir, 'ingest'))).toEqual([]);
    expect(node.tracker.entries.size).toBe(before);
  });

  it('that is broken off leaves nothing', async () => {
    const call = node.client.upload(tokenMetadata(), () => {});
    call.on('error', () => {});
    const publication = { name: 'up/broken', replicas: 0, labels: {}, pieceLength: 0 };
    const content = { $case: 'file', file: 'x' } as const;
    call.write({ part: { $case: 'header', header: { publication, content, size: 0 } } });
    call.write({ part: { $case: 'data', data: Buffer.alloc(1000) } });
    await until(async () => (await readdir(join(node.dir, 'ingest'))).length === 1);
    call.cancel();
    await until(async () => (await readdir(join(node.dir, 'ingest'))).length === 0);
    expect(node.tracker.entries.has('up/broken@1')).toBe(false);
  });

  it('without end is refused where it gets too large, and the rest is not waited for', async () => {
    const chunk = Buffer.alloc(2 ** 20, 1);
    const error = await failure(
      node.upload(
        { name: 'up/endless' },
        Array.from({ length: 60 }, () => chunk),
      ),
    );
    expect(error).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('25165824'),
    });
  });
});

describe('an ingest', () => {
  async function ingest(request: Partial<wire.IngestRequest>): Promise<wire.IngestResponse[]> {
    const publication = { name: 'in/one', replicas: 1, labels: { kind: 'test' }, pieceLength: 0 };
    const call = node.client.ingest({ publication, source: undefined, ...request }, tokenMetadata());
    const told: wire.IngestResponse[] = [];
    call.on('data', (message: wire.IngestResponse) => told.push(message));
    await once(call, 'end');
    return told;
  }

  it('brings what is below the folder, and nothing else', async () => {
    const told = await ingest({ source: { $case: 'path', path: 'set' } });
    expect(told.at(-1)?.event).toMatchObject({
      $case: 'published',
      published: { name: 'in/one', size: 70_000 },
    });
    for (const path of ['../x', '/etc/passwd', '..'])
      expect(await failure(ingest({ source: { $case: 'path', path } }))).toMatchObject({
        code: expect.toBeOneOf([status.INVALID_ARGUMENT, status.UNAVAILABLE]),
      });
  });

  it('brings what is at a URL, and tells how that gets on', async () => {
    const body = randomBytes(3_000_000);
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.subarray(0, 2_000_000));
      setTimeout(() => response.end(body.subarray(2_000_000)), 700);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    opened.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const publication = { name: 'in/url', replicas: 0, labels: {}, pieceLength: 65_536 };
    const told = await ingest({
      publication,
      source: { $case: 'url', url: `http://127.0.0.1:${port}/m/x.bin` },
    });
    const done = told.flatMap(({ event }) => (event?.$case === 'progress' ? [event.progress] : []));
    expect(done.length).toBeGreaterThanOrEqual(2);
    expect(done.every(({ size }) => size === 3_000_000)).toBe(true);
    const last = told.at(-1)?.event;
    expect(last).toMatchObject({ $case: 'published', published: { size: 3_000_000 } });
    if (last?.$case !== 'published') return;
    expect(await torrent(last.published.infoHash)).toMatchObject({ name: 'x.bin', pieceLength: 65_536 });
  });

  it('is refused an address that is not allowed', async () => {
    const error = await failure(ingest({ source: { $case: 'url', url: 'http://169.254.169.254/latest' } }));
    expect(error).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('internal'),
    });
    expect(await failure(ingest({}))).toMatchObject({ code: status.INVALID_ARGUMENT });
  });
});
