import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { silentLogger } from '@pixtorrent/core';
import type { AnnounceRequest } from '@pixtorrent/tracker-protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { PeerStoreError, RefusedError } from '../../errors.ts';
import type { Asking, TrackerLogic } from '../tracker-logic.ts';
import { HttpFrontend, type HttpFrontendOptions } from './server.ts';

const NOTHING = new Uint8Array(0);
const PEERS = { v4: NOTHING, v6: NOTHING, ids: NOTHING, traits: NOTHING };
/** Of `AnnounceRequest`, in a query. */
const IDS = `info_hash=${'a'.repeat(20)}&peer_id=-PX0100-${'b'.repeat(12)}`;

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface Started {
  readonly frontend: HttpFrontend;
  readonly asked: { readonly request: AnnounceRequest; readonly asking: Asking }[];
}

/** A frontend before a tracker that answers each announce with its port as the interval. */
async function start(
  options: Partial<HttpFrontendOptions> = {},
  before: (request: AnnounceRequest) => Promise<void> | undefined = () => undefined,
): Promise<Started> {
  const asked: Started['asked'] = [];
  const logic: TrackerLogic = {
    announce(request, asking) {
      asked.push({ request, asking });
      const answer = { interval: request.port, minInterval: 1, seeders: 0, leechers: 0, peers: PEERS };
      return before(request)?.then(() => answer) ?? answer;
    },
    scrape: async (hashes, { announceKey }) =>
      hashes.map(() => (announceKey === '' ? undefined : { seeders: 1, leechers: 2, completed: 3 })),
  };
  const frontend = await HttpFrontend.listen(logic, silentLogger, { host: '127.0.0.1', port: 0, ...options });
  opened.push(() => frontend.close());
  return { frontend, asked };
}

function announceTarget(port: number, more = ''): string {
  return `/announce?${IDS}&port=${port}&uploaded=0&downloaded=0&left=1${more}`;
}

function get(target: string, headers = ''): string {
  return `GET ${target} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
}

interface Conversation {
  readonly socket: Socket;
  /** What has come. */
  text(): string;
  /** Fulfilled when the server has closed. */
  readonly closed: Promise<void>;
}

function converse({ frontend }: Started, bytes = '', allowHalfOpen = false): Conversation {
  const socket = connect({ port: frontend.port, host: '127.0.0.1', allowHalfOpen });
  opened.push(() => socket.destroy());
  let text = '';
  socket.setEncoding('latin1').on('data', (data: string) => {
    text += data;
  });
  // A reset is one way in which a server closes.
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(bytes, 'latin1');
  return { socket, closed, text: () => text };
}

/** The intervals that were answered, in the order in which they came. */
function intervals(text: string): number[] {
  return [...text.matchAll(/8:intervali(\d+)e/g)].map(([, interval]) => Number(interval));
}

/** Everything that is said to these bytes, by a server that closes after them. */
async function said(started: Started, bytes: string): Promise<string> {
  const { text, closed } = converse(started, bytes);
  await closed;
  return text();
}

describe('answers', () => {
  it('come in the order of the requests, whichever is ready first', async () => {
    const ready = new Map<number, () => void>();
    const started = await start({}, ({ port }) => new Promise((resolve) => void ready.set(port, resolve)));
    const { text, closed } = converse(
      started,
      get(announceTarget(1)) +
        get(announceTarget(2)) +
        get('/healthz') +
        get(announceTarget(3), 'Connection: close\r\n'),
    );
    await expect.poll(() => ready.size).toBe(3);
    for (const port of [3, 2, 1]) ready.get(port)!();
    await closed;
    expect(intervals(text())).toEqual([1, 2, 3]);
    expect(text().indexOf('\r\n\r\nok\n')).toBeGreaterThan(text().indexOf('intervali2e'));
    expect(text().match(/Connection: close/g)).toHaveLength(1);
  });

  it('come to all of a thousand requests that were sent in one go, in few writes', async () => {
    const started = await start();
    const ports = Array.from({ length: 1000 }, (_, i) => i + 1);
    const conversation = converse(started);
    let writes = 0;
    conversation.socket.on('data', () => writes++);
    conversation.socket.end(ports.map((port) => get(announceTarget(port))).join(''));
    await conversation.closed;
    expect(intervals(conversation.text())).toEqual(ports);
    expect(writes).toBeLessThan(100);
  });

  it('are waited for before more than 64 requests of a connection are looked at', async () => {
    const ready = Promise.withResolvers<void>();
    const started = await start({}, () => ready.promise);
    const { closed, text, socket } = converse(started, '', true);
    socket.end(get(announceTarget(1)).repeat(200), 'latin1');
    await expect.poll(() => started.asked.length).toBe(64);
    // Whatever else was going to be read has been by the time that this is answered.
    await said(started, get('/healthz', 'Connection: close\r\n'));
    expect(started.asked.length).toBe(64);
    ready.resolve();
    await closed;
    expect(intervals(text())).toHaveLength(200);
  });

  it('reach those who have closed their side', async () => {
    const started = await start();
    const { socket, closed, text } = converse(started, get(announceTarget(5)), true);
    socket.end();
    await closed;
    expect(intervals(text())).toEqual([5]);
  });

  it('wait for those who do not take them, without more being read, and not for ever', async () => {
    const started = await start({ requestTimeout: 400 });
    const { socket, closed } = converse(started);
    socket.pause();
    const requests = Buffer.from(get(announceTarget(1)).repeat(1000), 'latin1');
    // Until both sides' buffers are full.
    let sent = 0;
    const fill = () => {
      while (sent < 200_000 && socket.write(requests)) sent += 1000;
      sent += 1000;
    };
    socket.on('drain', fill);
    fill();
    await closed;
    expect(started.asked.length).toBeLessThan(sent);
  });

  it('have no body for HEAD, and the length of one', async () => {
    const started = await start();
    const text = await said(
      started,
      `HEAD ${announceTarget(7)} HTTP/1.1\r\n\r\nHEAD /healthz HTTP/1.0\r\n\r\n`,
    );
    expect(text).toMatch(
      /^HTTP\/1\.1 200 OK\r\n.*Content-Length: [1-9]\d+\r\n\r\nHTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s,
    );
  });

  it('to HTTP/1.0 end the connection, unless it is to stay', async () => {
    const started = await start();
    const text = await said(
      started,
      'GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /healthz HTTP/1.0\r\n\r\n',
    );
    expect(text.match(/^Connection: .*$/gm)).toEqual(['Connection: keep-alive', 'Connection: close']);
  });
});

describe('requests', () => {
  it('may have a short body, which is passed over', async () => {
    const started = await start();
    const body = `Content-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n`;
    const text = await said(
      started,
      `POST /announce HTTP/1.1\r\n${body}GET /healthz HTTP/1.1\r\n${body}GET /healthz HTTP/1.0\r\n\r\n`,
    );
    expect(text.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 405', 'HTTP/1.1 200', 'HTTP/1.1 200']);
    expect(text).toContain('\r\nAllow: GET, HEAD\r\n');
  });

  it('of 10 MB are told so while they come, and cost no memory', async () => {
    const started = await start();
    const before = process.memoryUsage().arrayBuffers;
    const { socket, text, closed } = converse(
      started,
      'POST /announce HTTP/1.1\r\nContent-Length: 10000000\r\n\r\n',
      true,
    );
    for (let i = 0; i < 10; i++) if (!socket.write(Buffer.alloc(1_000_000))) await once(socket, 'drain');
    socket.end();
    await closed;
    expect(text()).toContain('HTTP/1.1 413 Content Too Large');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(30e6);
    expect(started.frontend.badRequests).toBe(1);
  });

  it('may name the whole URL, and a key before the path', async () => {
    const started = await start();
    const keyed = announceTarget(1).replace('/', '/k3y_-/');
    await said(started, get(`http://tracker.example:80${keyed}`) + get(keyed, 'Connection: close\r\n'));
    expect(started.asked.map(({ asking }) => asking.announceKey)).toEqual(['k3y_-', 'k3y_-']);
    const scraped = await said(
      started,
      get(`/k3y/scrape?info_hash=${'a'.repeat(20)}`, 'Connection: close\r\n'),
    );
    expect(scraped).toContain('8:completei1e10:downloadedi3e10:incompletei2e');
  });

  it.each([
    '/',
    '*',
    '/announcer',
    '/announce/',
    '//announce',
    '/../announce',
    '/a/b/announce',
    '/k%65y/announce',
    `/${'k'.repeat(65)}/announce`,
    `/${'x'.repeat(2000)}/announce`,
    'https://',
    'ftp://x/announce',
    '/__proto__/x',
    '/healthz/',
  ])('for %s find nothing', async (target) => {
    expect(await said(await start(), get(target, 'Connection: close\r\n'))).toMatch(/^HTTP\/1\.1 404 /);
  });

  it('say what the tracker needs to know', async () => {
    const started = await start();
    await said(started, get(announceTarget(1, '&compact=0'), 'Connection: close\r\n'));
    expect(started.asked[0]!.asking).toEqual({
      frontend: 'http',
      address: Uint8Array.of(127, 0, 0, 1),
      families: 'both',
      details: true,
      announceKey: '',
      pixwire: true,
    });
  });

  it.each([
    [
      'at once',
      (error: Error) => {
        throw error;
      },
    ],
    ['later', (error: Error) => Promise.reject(error)],
  ])('that are refused %s say when to come back (BEP 31)', async (_, refuse) => {
    const refusals = [
      new RefusedError('too-often', 'slower', 61),
      new RefusedError('wrong-key', 'no'),
      new PeerStoreError('store-unavailable', 'later'),
    ];
    const started = await start({}, () => refuse(refusals.shift() ?? new TypeError('a fault')));
    const ask = () => said(started, get(announceTarget(1), 'Connection: close\r\n'));
    expect(await ask()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nd14:failure reason6:slower8:retry ini2ee$/s);
    expect(await ask()).toMatch(/\r\n\r\nd14:failure reason2:no8:retry in5:nevere$/);
    expect(await ask()).toMatch(/\r\n\r\nd14:failure reason5:later8:retry ini1ee$/);
    expect(await ask()).toMatch(/^HTTP\/1\.1 500 .*\r\n\r\nthe tracker has a fault\n$/s);
  });
});

describe('where a peer is', () => {
  async function address(options: Partial<HttpFrontendOptions>, headers: string, more = ''): Promise<string> {
    const started = await start(options);
    await said(started, get(announceTarget(1, more), `${headers}Connection: close\r\n`));
    return Buffer.from(started.asked[0]!.asking.address).toString('hex');
  }
  const proxied = { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'], forwardedHeader: 'X-Forwarded-For' };

  it.each<[string, Partial<HttpFrontendOptions>, string, string, string]>([
    ['nobody is believed', { forwardedHeader: 'X-Forwarded-For' }, '192.0.2.1', '', '7f000001'],
    ['no header is named', { trustedProxies: ['127.0.0.0/8'] }, '192.0.2.1', '', '7f000001'],
    ['a proxy says so', proxied, '192.0.2.1', '', 'c0000201'],
    ['what the asker made up stands before', proxied, '192.0.2.9, 192.0.2.1', '', 'c0000201'],
    ['there are more proxies', proxied, '192.0.2.1,10.1.1.1', '', 'c0000201'],
    ['there is a port', proxied, '192.0.2.1:5555', '', 'c0000201'],
    ['it is IPv6', proxied, '[2001:db8::1]:443', '', '20010db8000000000000000000000001'],
    ['it cannot be read', proxied, '192.0.2.1, unknown, 10.0.0.1', '', '0a000001'],
    ['it is empty', proxied, ' ', '', '7f000001'],
    ['an asker behind a proxy names another', proxied, '192.0.2.1', '&ip=192.0.2.7', 'c0000201'],
    ['a trusted asker names another', proxied, '10.0.0.3', '&ip=192.0.2.7', 'c0000207'],
    [
      'a trusted asker names one of IPv6',
      proxied,
      '10.0.0.3',
      '&ipv6=%5B2001:db8::7%5D:1',
      '20010db8000000000000000000000007',
    ],
    ['a trusted asker names nonsense', proxied, '10.0.0.3', '&ip=localhost', '0a000003'],
  ])('where %s', async (_, options, forwarded, more, expected) => {
    expect(await address(options, `X-Forwarded-For: ${forwarded}\r\n`, more)).toBe(expected);
  });
});

it.runIf(hasIpv6)('listens on both families, and knows each asker by its own address', async () => {
  const started = await start({ host: undefined as never });
  for (const host of ['127.0.0.1', '[::1]'])
    await fetch(`http://${host}:${started.frontend.port}${announceTarget(1)}`);
  expect(started.asked.map(({ asking }) => Buffer.from(asking.address).toString('hex'))).toEqual([
    '7f000001',
    '00000000000000000000000000000001',
  ]);
});

describe('connections', () => {
  it('are closed when they rest too long, or a request takes too long', async () => {
    const started = await start({ idleTimeout: 150, requestTimeout: 150 });
    const idle = converse(started, get('/healthz'));
    const slow = converse(started, 'GET /healthz HT');
    const drip = setInterval(() => slow.socket.write('T'), 20);
    opened.push(() => clearInterval(drip));
    await Promise.all([idle.closed, slow.closed]);
    expect(idle.text()).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nok\n$/s);
    expect(slow.text()).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('are counted, and turned away when there are too many', async () => {
    const started = await start({ maxConnections: 2 });
    const kept = [converse(started, get('/healthz')), converse(started, get('/healthz'))];
    await expect.poll(() => kept.map(({ text }) => text().length > 0)).toEqual([true, true]);
    await converse(started).closed;
    expect([started.frontend.connections, started.frontend.turnedAway]).toEqual([2, 1]);
    kept[0]!.socket.destroy();
    await expect.poll(() => started.frontend.connections).toBe(1);
  });

  it('end when the frontend closes: at once where they rest, with their answer where one is due', async () => {
    const answer = Promise.withResolvers<void>();
    const started = await start({}, () => answer.promise);
    const resting = converse(started, get('/healthz'));
    const asking = converse(started, get(announceTarget(4)));
    const half = converse(started, 'GET /healthz');
    await expect.poll(() => resting.text() !== '' && started.asked.length === 1).toBe(true);
    const closed = started.frontend.close();
    await resting.closed;
    half.socket.write(' HTTP/1.1\r\n\r\n');
    await half.closed;
    expect(half.text()).toContain('Connection: close');
    answer.resolve();
    await asking.closed;
    expect(intervals(asking.text())).toEqual([4]);
    await closed;
  });
});
