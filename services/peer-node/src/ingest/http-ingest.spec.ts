import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ServedNode, TOKEN } from '../fixtures/served-node.ts';

let node: ServedNode;

beforeAll(async () => {
  node = await ServedNode.start({ env: { PEER_INGEST_MAX_SIZE: '3MiB', PEER_DISK_BUDGET: '2MiB' } });
});
afterAll(() => node.close());

/** What is there: to be the same after what was refused. */
async function holdings(): Promise<unknown> {
  return {
    content: await readdir(join(node.dir, 'content')),
    ingest: await readdir(join(node.dir, 'ingest')),
    entries: [...node.tracker.entries.keys()],
  };
}

interface Put {
  readonly headers?: OutgoingHttpHeaders;
  readonly token?: string | undefined;
  readonly method?: string;
  readonly body?: Iterable<Uint8Array>;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
  /** Whether the body was asked for. */
  readonly asked: boolean;
}

/** Asks before it sends the body, as curl does. */
async function put(
  path: string,
  { headers = {}, token = TOKEN, method = 'PUT', body = [] }: Put = {},
): Promise<Answer> {
  const asking = request({
    host: '127.0.0.1',
    port: node.service.ports.http,
    method,
    path,
    agent: false,
    headers: {
      expect: '100-continue',
      ...(token !== '' && { authorization: `Bearer ${token}` }),
      ...headers,
    },
  });
  let asked = false;
  asking.on('error', () => {});
  asking.on('continue', () => {
    asked = true;
    for (const chunk of body) asking.write(chunk);
    asking.end();
  });
  asking.flushHeaders();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  asking.destroy();
  return {
    status: answer.statusCode!,
    headers: answer.headers,
    body: JSON.parse(Buffer.concat(chunks).toString()),
    asked,
  };
}

function get(path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${node.service.ports.http}${path}`);
}

async function archive(entries: readonly Parameters<ReturnType<typeof pack>['entry']>[0][]): Promise<Buffer> {
  const made = pack();
  for (const header of entries) made.entry(header, header.type !== undefined ? '' : `this is ${header.name}`);
  made.finalize();
  const parts: Buffer[] = [];
  for await (const part of made as unknown as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

const CHUNKED = { 'transfer-encoding': 'chunked' };
const TAR = { ...CHUNKED, 'content-type': 'application/x-tar' };

it('publishes a file, which can be read at once where the answer says', async () => {
  const bytes = Buffer.alloc(100_000, 'pix');
  const path =
    '/v1/content/team/model/weights%20a.bin?replicas=3&label=tier%3Dgold&label=a%3D%3D&piece-length=32768';
  const headers = { 'content-length': bytes.length };
  const published = await put(path, { headers, body: [bytes] });
  expect(published).toMatchObject({
    status: 201,
    asked: true,
    headers: { location: '/v1/content/team/model@1/weights%20a.bin' },
    body: { name: 'team/model', version: 1, size: 100_000, unchanged: false },
  });
  expect(node.tracker.entries.get('team/model@1')).toMatchObject({
    replicas: { wanted: { $case: 'count', count: 3 } },
    labels: { tier: 'gold', a: '=' },
  });
  const read = await get(String(published.headers.location));
  expect(Buffer.from(await read.arrayBuffer()).equals(bytes)).toBe(true);
  const again = await put(path, { headers, body: [bytes] });
  expect(again).toMatchObject({ status: 200, body: { ...published.body, unchanged: true } });
  const other = await put(path, { headers: CHUNKED, body: [bytes, bytes] });
  expect(other).toMatchObject({ status: 201, body: { version: 2, size: 200_000 } });
});

it('publishes the folder that an archive is of', async () => {
  const body = [await archive([{ name: './b/c.txt' }, { name: 'a.txt' }, { name: 'd', type: 'directory' }])];
  const published = await put('/v1/content/team/docs/', { headers: TAR, body });
  expect(published).toMatchObject({ status: 201, headers: { location: '/v1/content/team/docs@1/' } });
  expect(await (await get('/v1/content/team/docs/b/c.txt')).text()).toBe('this is ./b/c.txt');
});

it.each<[string, string, Put, number, RegExp]>([
  ['without a token', 'a/f', { token: '' }, 401, /bearer token is wanted/],
  ['with a wrong token', 'a/f', { token: 'b'.repeat(32) }, 401, /not known/],
  ['without a name', 'f', {}, 400, /NAME\/FILE/],
  ['at a version', 'a@1/f', {}, 400, /^name: /],
  ['with a name that is none', 'A%20b/f', {}, 400, /^name: /],
  ['with a parameter that is none', 'a/f?replica=3', {}, 400, /^replica: there are replicas/],
  ['for no replicas', 'a/f?replicas=0', {}, 400, /^replicas/],
  ['for two numbers of them', 'a/f?replicas=1&replicas=2', {}, 400, /more than once/],
  ['with a label of no value', 'a/f?label=x', {}, 400, /KEY=VALUE/],
  ['with pieces of no power', 'a/f?piece-length=100000', {}, 400, /power of two/],
  ['in part', 'a/f', { headers: { ...CHUNKED, 'content-range': 'bytes 0-1/2' } }, 400, /as a whole/],
  ['compressed', 'a/f', { headers: { ...CHUNKED, 'content-encoding': 'gzip' } }, 415, /as it is/],
  ['for a folder that is no archive', 'a/', { headers: CHUNKED }, 415, /x-tar/],
  ['of more than is taken', 'a/f', { headers: { 'content-length': 4 << 20 } }, 413, /3145728 bytes/],
  ['of more than there is room for', 'a/f', { headers: { 'content-length': 3 << 20 } }, 507, /no room/],
  ['with a file name that nothing has', `a/${'f'.repeat(256)}`, {}, 422, /too long/],
])('asks for no body %s', async (_, path, options, status, detail) => {
  const answer = await put(`/v1/content/${path}`, { headers: CHUNKED, ...options });
  expect(answer).toMatchObject({
    status,
    asked: false,
    headers: { 'content-type': 'application/problem+json' },
    body: { status, detail: expect.stringMatching(detail) },
  });
});

it.each<[string, string, OutgoingHttpHeaders, () => Promise<Buffer> | Buffer, number, RegExp]>([
  ['nothing', 'a/f', CHUNKED, () => Buffer.alloc(0), 422, /no bytes/],
  ['more than there is room for', 'a/f', CHUNKED, () => Buffer.alloc(5 << 19), 507, /no room/],
  ['no archive', 'a/', TAR, () => Buffer.alloc(5000, 'x'), 422, /no whole tar archive/],
  [
    'a part of one',
    'a/',
    TAR,
    async () => (await archive([{ name: 'a' }])).subarray(0, 513),
    422,
    /no whole/,
  ],
  [
    'one with a link',
    'a/',
    TAR,
    () => archive([{ name: 'x' }, { name: 'l', type: 'symlink', linkname: '/etc' }]),
    422,
    /l is a symlink/,
  ],
  ['one that leads elsewhere', 'a/', TAR, () => archive([{ name: '../x' }]), 422, /leads elsewhere/],
])('leaves nothing of what turns out to be %s', async (_, path, headers, bytes, status, detail) => {
  const before = await holdings();
  const answer = await put(`/v1/content/${path}`, { headers, body: [await bytes()] });
  expect(answer).toMatchObject({
    status,
    asked: true,
    headers: { 'content-type': 'application/problem+json' },
    body: { detail: expect.stringMatching(detail) },
  });
  expect(await holdings()).toEqual(before);
});

it('leaves nothing of what ends before its end', async () => {
  const before = await holdings();
  const cut = request({
    host: '127.0.0.1',
    port: node.service.ports.http,
    method: 'PUT',
    path: '/v1/content/a/f',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-length': 1 << 20 },
  });
  cut.on('error', () => {});
  cut.write(Buffer.alloc(1000));
  await whenIngesting(1);
  cut.destroy();
  await whenIngesting(0);
  expect(await holdings()).toEqual(before);
});

it('removes nothing: whoever wants that asks by gRPC', async () => {
  const answer = await put('/v1/content/a/f', { method: 'DELETE' });
  expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD, PUT' } });
});

async function whenIngesting(count: number): Promise<void> {
  await expect
    .poll(() => readdir(join(node.dir, 'ingest')), { timeout: 5000, interval: 10 })
    .toHaveLength(count);
}
