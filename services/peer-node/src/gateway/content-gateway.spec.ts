import { once } from 'node:events';
import { rm, truncate } from 'node:fs/promises';
import { get as httpGet, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Published, StagedGateway, type StageOptions } from './fixtures/staged-gateway.ts';

const FILES = { 'a.bin': 1_000_000, 'docs/ü & <b>.html': 70_000, 'docs/empty.txt': 0, 'z.txt': 300_001 };
const TOO_LONG = { timeout: 20_000, interval: 5 };

let stage: StagedGateway;

afterEach(() => stage.close());

async function open(options?: StageOptions): Promise<StagedGateway> {
  stage = await StagedGateway.open(options);
  return stage;
}

async function bytesOf(response: Response | Promise<Response>): Promise<Buffer> {
  return Buffer.from(await (await response).arrayBuffer());
}

async function problem(response: Response | Promise<Response>): Promise<[number, string]> {
  const answer = await response;
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const { status, detail } = (await answer.json()) as { status: number; detail: string };
  expect(status).toBe(answer.status);
  return [status, detail];
}

/** Takes a path as it is, which `fetch` does not. */
function raw(path: string, headers: Readonly<Record<string, string>> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { hostname: host, port } = new URL(stage.origin);
    httpGet({ host, port, path, headers, agent: false }, resolve).on('error', reject);
  });
}

async function read(published: Published, path: string): Promise<void> {
  const answer = await stage.get(`${published.entry.name}/${path}`);
  expect((await bytesOf(answer)).equals(published.files.get(path)!)).toBe(true);
}

describe('content', () => {
  it('that is not here is got as it is read, and no more of it than that', async () => {
    await open();
    const published = await stage.publish('models/tree', FILES);
    await published.seed();
    const bytes = published.files.get('a.bin')!;
    const answer = await stage.get('models/tree/a.bin', { range: 'bytes=500000-599999' });
    expect([
      answer.status,
      answer.headers.get('content-range'),
      answer.headers.get('content-length'),
    ]).toEqual([206, 'bytes 500000-599999/1000000', '100000']);
    expect((await bytesOf(answer)).equals(bytes.subarray(500_000, 600_000))).toBe(true);
    const session = stage.sessionOf(published)!;
    expect(session.stats().pieces).toBe(Math.floor(599_999 / 65_536) - Math.floor(500_000 / 65_536) + 1);
    for (const path of Object.keys(FILES)) await read(published, path);
    expect(session.complete).toBe(true);
    // And now from the disk.
    await expect.poll(() => session.fileOnDisk(0), TOO_LONG).toBeDefined();
    for (const path of Object.keys(FILES)) await read(published, path);
  });

  it('is got once for all who read it at the same time', async () => {
    await open();
    const published = await stage.publish('one', { 'one.bin': 2_000_000 });
    await published.seed();
    const answers = await Promise.all(Array.from({ length: 20 }, () => bytesOf(stage.get('one'))));
    for (const got of answers) expect(got.equals(published.files.get('one.bin')!)).toBe(true);
    expect(stage.sessionOf(published)!.stats().downloaded).toBe(2_000_000);
  });

  it('goes on when all of it is wanted while some of it is read', async () => {
    await open();
    const published = await stage.publish('one', { 'one.bin': 3_000_000 });
    await published.seed(3_000_000);
    const answer = await stage.get('one');
    await stage.torrents.wantAll(published.metainfo.infoHash);
    expect((await bytesOf(answer)).equals(published.files.get('one.bin')!)).toBe(true);
    await expect
      .poll(() => stage.torrents.get(published.metainfo.infoHash)!.condition.type, TOO_LONG)
      .toBe('seeding');
  });

  it('that a disk has lost meanwhile is got again', async () => {
    await open();
    const published = await stage.publish('one', { 'one.bin': 1_500_000 });
    await published.seed();
    await read(published, 'one.bin');
    const session = stage.sessionOf(published)!;
    await expect.poll(() => session.fileOnDisk(0), TOO_LONG).toBeDefined();
    await truncate(session.fileOnDisk(0)!, 100_000);
    await read(published, 'one.bin');
  });

  it('of a single file is named with and without its file', async () => {
    await open();
    const published = await stage.publish('one', { 'one.bin': 100_000 });
    await published.seed();
    for (const path of ['one', 'one@1', 'one/one.bin', 'one@1/one.bin'])
      expect((await bytesOf(stage.get(path))).equals(published.files.get('one.bin')!)).toBe(true);
    expect(await (await stage.get('one/')).json()).toMatchObject({
      path: 'one@1',
      items: [{ name: 'one.bin', type: 'file', size: 100_000 }],
    });
  });

  it('is the newest version where none is named', async () => {
    await open();
    const [old, recent] = [
      await stage.publish('one', { 'one.bin': 1000 }),
      await stage.publish('one', { 'one.bin': 2000 }, 10),
    ];
    await stage.publish('one', { 'one.bin': 3000 }, 9);
    for (const one of [old, recent]) await one.seed();
    expect(await bytesOf(stage.get('one'))).toHaveLength(2000);
    expect(await bytesOf(stage.get('one@1'))).toHaveLength(1000);
    expect((await stage.get('one')).headers.get('cache-control')).toBe('no-cache');
    expect((await stage.get('one@1')).headers.get('cache-control')).toBe(
      'public, max-age=31536000, immutable',
    );
  });

  it('has the name that is the longest of those that fit', async () => {
    await open();
    const [short, long] = [
      await stage.publish('a', { 'b/c.bin': 1000, 'd.bin': 500 }),
      await stage.publish('a/b', { 'c.bin': 2000, 'e.bin': 1 }),
    ];
    for (const one of [short, long]) await one.seed();
    expect(await bytesOf(stage.get('a/b/c.bin'))).toHaveLength(2000);
    expect(await bytesOf(stage.get('a@1/b/c.bin'))).toHaveLength(1000);
    expect(await bytesOf(stage.get('a/d.bin'))).toHaveLength(500);
  });

  it('can be named before the catalogue has been told, if this node has it', async () => {
    await open();
    const published = await stage.publish('one', { 'one.bin': 1000 });
    await published.seed();
    await read(published, 'one.bin');
    await expect.poll(() => [...stage.entries.live()].length).toBe(1);
    stage.catalogue.current = false;
    stage.catalogue.entries.clear();
    stage.catalogue.emit('changed');
    await read(published, 'one.bin');
    expect((await problem(stage.get('two')))[0]).toBe(503);
  });
});

describe('ranges', () => {
  it('are given as they were asked for, several at once too', async () => {
    await open();
    const published = await stage.publish('one', { 'one.bin': 1_000_000 });
    await published.seed();
    const bytes = published.files.get('one.bin')!;
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=-5', 999_995, 1_000_000],
      ['bytes=999999-', 999_999, 1_000_000],
      ['bytes=10-9999999', 10, 1_000_000],
    ] as const) {
      const answer = await stage.get('one', { range });
      expect([answer.status, (await bytesOf(answer)).equals(bytes.subarray(start, end))]).toEqual([
        206,
        true,
      ]);
    }
    const answer = await stage.get('one', { range: 'bytes=900000-900009, 0-4, -3' });
    expect(answer.status).toBe(206);
    const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(answer.headers.get('content-type')!)![1];
    const body = await bytesOf(answer);
    expect(body).toHaveLength(Number(answer.headers.get('content-length')));
    const part = (start: number, end: number) =>
      `\r\n--${boundary}\r\nContent-Type: application/octet-stream\r\n` +
      `Content-Range: bytes ${start}-${end - 1}/1000000\r\n\r\n${bytes.toString('latin1', start, end)}`;
    expect(body.toString('latin1')).toBe(
      `${part(900_000, 900_010)}${part(0, 5)}${part(999_997, 1_000_000)}\r\n--${boundary}--\r\n`,
    );
  });

  it('that cannot be given, and ten thousand of them, are refused', async () => {
    await open();
    await stage.publish('one', { 'one.bin': 1_000_000 });
    const beyond = await stage.get('one', { range: 'bytes=1000000-' });
    expect(beyond.headers.get('content-range')).toBe('bytes */1000000');
    expect(await problem(beyond)).toEqual([416, 'there are 1000000 bytes']);
    const many = (count: number) =>
      `bytes=${Array.from({ length: count }, (_, i) => `${i * 400}-${i * 400}`).join(',')}`;
    expect(await problem(stage.get('one', { range: many(1000) }))).toEqual([
      416,
      '1000 ranges were asked for, at most 32 are given',
    ]);
    const answer = await raw('/v1/content/one', { range: many(10_000) });
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([431, 'application/problem+json']);
  });
});

describe('conditions', () => {
  it('save what is known from being sent again', async () => {
    await open();
    await stage.publish('one', { 'one.bin': 1000 });
    const head = await fetch(stage.url('one'), { method: 'HEAD', headers: { range: 'bytes=0-1' } });
    const etag = head.headers.get('etag')!;
    const modified = head.headers.get('last-modified')!;
    expect([head.status, head.headers.get('content-length'), head.headers.get('accept-ranges')]).toEqual([
      200,
      '1000',
      'bytes',
    ]);
    expect(modified).toBe('Wed, 03 Jan 2024 04:05:06 GMT');
    for (const headers of [
      { 'if-none-match': etag },
      { 'if-none-match': `"x", W/${etag}` },
      { 'if-none-match': '*' },
      { 'if-modified-since': modified },
    ]) {
      const answer = await stage.get('one', headers);
      expect([answer.status, answer.headers.get('etag'), await answer.text()]).toEqual([304, etag, '']);
    }
    for (const headers of [
      { 'if-match': '"x"' },
      { 'if-match': `W/${etag}` },
      { 'if-unmodified-since': 'Wed, 03 Jan 2024 04:05:05 GMT' },
    ])
      expect((await problem(stage.get('one', headers as Record<string, string>)))[0]).toBe(412);
    // Nobody has read a byte: nothing was got.
    expect(stage.torrents.size).toBe(0);
  });

  it('have a range only of what it was a range of', async () => {
    await open();
    const published = await stage.publish('one', { 'one.bin': 1000 });
    await published.seed();
    const first = await stage.get('one');
    const etag = first.headers.get('etag')!;
    const modified = first.headers.get('last-modified')!;
    for (const [ifRange, status] of [
      [etag, 206],
      [modified, 206],
      ['"x"', 200],
      [`W/${etag}`, 200],
      ['Wed, 03 Jan 2024 04:05:07 GMT', 200],
    ] as const)
      expect((await stage.get('one', { range: 'bytes=0-1', 'if-range': ifRange })).status).toBe(status);
  });
});

describe('listings', () => {
  it('tell what there is, for programs and for people', async () => {
    await open();
    await stage.publish('models/tree', FILES);
    await stage.publish('b', { 'b.bin': 7 }, 3);
    expect(await (await stage.get('')).json()).toEqual({
      path: '',
      items: [
        { name: 'b', type: 'content', version: 3, size: 7, published: Date.UTC(2024, 0, 3, 4, 5, 6) },
        expect.objectContaining({ name: 'models/tree' }),
      ],
    });
    expect(await (await stage.get('models/')).json()).toMatchObject({ items: [{ name: 'tree' }] });
    expect(await (await stage.get('models/tree/')).json()).toEqual({
      path: 'models/tree@1',
      items: [
        { name: 'a.bin', type: 'file', size: 1_000_000 },
        { name: 'docs', type: 'folder' },
        { name: 'z.txt', type: 'file', size: 300_001 },
      ],
    });
    const page = await stage.get('models/tree/docs/', { accept: 'text/html,*/*' });
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = await page.text();
    expect(html).toContain('<a href="./%C3%BC%20%26%20%3Cb%3E.html">ü &#38; &#60;b&#62;.html</a>');
    expect(html).not.toContain('<b>');
    // Nobody has read a byte.
    expect(stage.torrents.size).toBe(0);
  });

  it('are where folders are, and folders end in a slash', async () => {
    await open();
    await stage.publish('models/tree', FILES);
    for (const path of ['models/tree/docs', 'models/tree', 'models', 'models/tree@1']) {
      const answer = await stage.get(`${path}?format=html`);
      expect([answer.status, answer.headers.get('location')]).toEqual([
        308,
        `/v1/content/${path}/?format=html`,
      ]);
    }
    expect((await problem(stage.get('models/tree/a.bin/')))[0]).toBe(404);
  });

  it('of content that runs in a browser give it no rights', async () => {
    await open();
    const published = await stage.publish('tree', FILES);
    await published.seed();
    const page = await stage.get(`tree/docs/${encodeURIComponent('ü & <b>.html')}`);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toBe('sandbox');
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  });
});

describe('a request', () => {
  it.each([
    '/v1/content/../../etc/passwd',
    '/v1/content/tree/../tree/a.bin',
    '/v1/content/tree/%2e%2e/%2e%2e/node/torrents',
    '/v1/content/tree/..%2f..%2fa.bin',
    '/v1/content/tree%2Fa.bin',
    '/v1/content/tree/a.bin%00.txt',
    '/v1/content/tree//a.bin',
    '//v1/content/tree/a.bin',
    '/v1/content/tree/%ff%fe',
    '/v1/content/tree/%',
    'http://x/v1/content/tree/./a.bin',
  ])('for %s is refused', async (path) => {
    await open();
    const published = await stage.publish('tree', FILES);
    await published.seed();
    const answer = await raw(path);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([400, 'application/problem+json']);
  });

  it.each([
    ['tree/b.bin', 404],
    ['tree@2/a.bin', 404],
    ['tree@0/a.bin', 404],
    ['tree@1@1/a.bin', 404],
    ['tree/__proto__', 404],
    ['tree/docs/constructor', 404],
    ['nothing', 404],
    [`tree/${'x'.repeat(8000)}`, 404],
    [`${'a/'.repeat(4000)}a`, 404],
    [`tree/${'x'.repeat(40_000)}`, 431],
  ] as const)('for %.30s finds nothing', async (path, status) => {
    await open();
    await stage.publish('tree', FILES);
    const answer = await raw(`/v1/content/${path}`);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([status, 'application/problem+json']);
  });

  it('can be GET and HEAD, and says so', async () => {
    await open();
    const answer = await fetch(stage.url('one'), { method: 'DELETE' });
    expect(answer.headers.get('allow')).toBe('GET, HEAD');
    expect((await problem(answer))[0]).toBe(405);
    expect((await problem(fetch(`${stage.origin}/else`)))[0]).toBe(404);
  });

  it('that is none is told so', async () => {
    await open();
    const socket = connect(stage.server.port, '127.0.0.1');
    socket.end('HELLO\r\n\r\n');
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json.*this is no HTTP request/s);
  });
});

describe('what cannot be had', () => {
  it('because nobody gives it ends after a while, with a reason', async () => {
    await open({ patience: 200 });
    await stage.publish('one', { 'one.bin': 1000 });
    expect(await problem(stage.get('one'))).toEqual([504, 'nobody who has it gave it in time']);
  });

  it('because there is no room, is refused', async () => {
    await open({ budget: 1500 });
    const [one, two] = [
      await stage.publish('one', { 'one.bin': 1000 }),
      await stage.publish('two', { 'two.bin': 1000 }),
    ];
    for (const published of [one, two]) await published.seed();
    await read(one, 'one.bin');
    expect(await problem(stage.get('two'))).toEqual([
      507,
      'the disk budget of this node has no room for 1000 bytes',
    ]);
    await read(one, 'one.bin');
  });

  it('because the tracker service is away, is to be asked for later', async () => {
    await open();
    await stage.publish('one', { 'one.bin': 1000 });
    stage.catalogue.current = false;
    const answer = await stage.get('one');
    expect(answer.headers.get('retry-after')).toBe('5');
    expect((await problem(answer))[0]).toBe(503);
  });

  it('any more, in the middle, ends the connection and not the answer', async () => {
    await open({ patience: 300 });
    const published = await stage.publish('one', { 'one.bin': 3_000_000 });
    await published.seed(1_000_000);
    const answer = await stage.get('one');
    expect(answer.status).toBe(200);
    await rm(join(stage.root, 'source'), { recursive: true });
    await stage.silence();
    await expect(answer.arrayBuffer()).rejects.toThrow();
  });
});

describe('readers', () => {
  /** One who has asked, and takes nothing of the answer. */
  async function stuck(path: string): Promise<IncomingMessage> {
    const answer = await raw(`/v1/content/${path}`);
    answer.pause();
    return answer;
  }

  it('who take nothing are let go of, and those who do are not', async () => {
    await open({ idle: 300 });
    const published = await stage.publish('one', { 'one.bin': 30_000_000 });
    await published.seed();
    const slow = await stuck('one');
    const other = bytesOf(stage.get('one'));
    const cut = once(slow, 'error');
    await expect.poll(() => stage.server.requests.get('GET cut')?.count, TOO_LONG).toBe(1);
    slow.resume();
    await cut;
    expect((await other).equals(published.files.get('one.bin')!)).toBe(true);
  });

  it('who are slow hold little memory, from the swarm and from the disk', async () => {
    await open();
    const published = await stage.publish('one', { 'one.bin': 40_000_000 });
    await published.seed();
    const before = process.memoryUsage().arrayBuffers;
    const readers = await Promise.all(Array.from({ length: 20 }, () => stuck('one')));
    expect((await bytesOf(stage.get('one'))).equals(published.files.get('one.bin')!)).toBe(true);
    const session = stage.sessionOf(published)!;
    await expect.poll(() => session.fileOnDisk(0), TOO_LONG).toBeDefined();
    readers.push(...(await Promise.all(Array.from({ length: 20 }, () => stuck('one')))));
    globalThis.gc?.();
    // Of 1600 MB; the piece memory of the clients is in it, and the body that was read whole.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(250e6);
    for (const reader of readers) reader.destroy();
  });

  it('who leave free everything', async () => {
    await open();
    const published = await stage.publish('one', { 'one.bin': 3_000_000 });
    const waiting = raw('/v1/content/one').catch(() => {});
    await expect.poll(() => stage.sessionOf(published), TOO_LONG).toBeDefined();
    const request = httpRequest(`${stage.url('one')}`);
    request.on('error', () => {}).end();
    await expect.poll(() => stage.server.connections, TOO_LONG).toBe(2);
    request.destroy();
    await expect.poll(() => stage.server.connections, TOO_LONG).toBe(1);
    expect(stage.server.requests.get('GET cut')!.count).toBe(1);
    await published.seed();
    const answer = await waiting;
    answer!.destroy();
    await expect.poll(() => stage.server.connections, TOO_LONG).toBe(0);
    // What nobody reads any more is not got.
    const { pieces } = stage.sessionOf(published)!.stats();
    expect(pieces).toBeLessThan(published.metainfo.pieceCount);
  });

  it('beyond those that are served are turned away', async () => {
    await open({ server: { maxConnections: 2 } });
    const sockets = [1, 2, 3].map(() => connect(stage.server.port, '127.0.0.1').on('error', () => {}));
    await expect.poll(() => stage.server.turnedAway, TOO_LONG).toBe(1);
    for (const socket of sockets) socket.destroy();
  });

  it('get what they were promised before the server closes', async () => {
    await open();
    const published = await stage.publish('one', { 'one.bin': 3_000_000 });
    await published.seed(6_000_000);
    const answer = await stage.get('one');
    const url = stage.url('one');
    const closed = stage.server.close(20_000);
    expect((await bytesOf(answer)).equals(published.files.get('one.bin')!)).toBe(true);
    await closed;
    await expect(fetch(url)).rejects.toThrow();
  });
});
