import { once } from 'node:events';
import { connect } from 'node:net';
import { infoHash, peerId, SeededRandom, silentLogger } from '@pixtorrent/core';
import { VirtualTime } from '@pixtorrent/testkit';
import {
  type AnnounceRequest,
  type AnnounceResponse,
  announceUrl,
  parseAnnounceResponse,
  parseScrapeResponse,
  scrapeUrl,
} from '@pixtorrent/tracker-protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpFrontend, type HttpFrontendOptions } from './frontends/http/server.ts';
import { MemoryPeerStore, type MemoryPeerStoreOptions } from './stores/memory-peer-store.ts';
import { Tracker, type TrackerOptions } from './tracker.ts';

const HASH = infoHash(new Uint8Array(20).fill(0xfe));
let tracker: Awaited<ReturnType<typeof startTracker>>;

afterEach(() => tracker.close());

type Options = HttpFrontendOptions & TrackerOptions & Omit<MemoryPeerStoreOptions, 'timeToLive'>;

/** A whole tracker: rules, a store in memory, and HTTP. */
async function startTracker(options: Options) {
  const time = new VirtualTime();
  const random = new SeededRandom(1);
  const store = new MemoryPeerStore(
    { clock: time, wallClock: time, timers: time, random },
    { ...options, timeToLive: 60_000 },
  );
  const frontend = await HttpFrontend.listen(new Tracker(store, options), silentLogger, options);
  const { port } = frontend;
  const close = () => frontend.close().then(() => store.close());
  return { port, url: `http://127.0.0.1:${port}/announce`, close };
}

async function start(options: Partial<Options> = {}): Promise<void> {
  tracker = await startTracker({ host: '127.0.0.1', port: 0, ...options });
}

function request(port: number, rest: Partial<AnnounceRequest> = {}): AnnounceRequest {
  const id = peerId(Buffer.from(`-XX0000-${String(port).padStart(12, '0')}`));
  return { infoHash: HASH, peerId: id, port, uploaded: 0, downloaded: 0, left: 5, ...rest };
}

async function get(url: string, headers: Record<string, string> = {}): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(url, { headers })).arrayBuffer());
}

async function announce(
  port: number,
  rest: Partial<AnnounceRequest> = {},
  more = '',
): Promise<AnnounceResponse> {
  return parseAnnounceResponse(await get(announceUrl(tracker.url, request(port, rest)) + more));
}

/** What the server says to raw bytes, until it closes or has given so many answers. */
async function raw(bytes: string, answers = Number.POSITIVE_INFINITY): Promise<string> {
  const socket = connect(tracker.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => {
    answer += data.toString('latin1');
    if (answer.split('HTTP/1.1 ').length > answers) socket.destroy();
  });
  // A reset after the answer is the server's way to stop a flood.
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return answer;
}

describe('the HTTP tracker', () => {
  it('brings peers together, from started to stopped', async () => {
    await start({ interval: 60, minInterval: 7 });
    expect(await announce(1001, { left: 0, event: 'started' })).toEqual({
      interval: 60,
      minInterval: 7,
      seeders: 1,
      leechers: 0,
      peers: [],
    });
    const joined = await announce(1002, { event: 'started' });
    expect(joined.peers).toEqual([{ host: '127.0.0.1', port: 1001 }]);
    expect((await announce(1001, { left: 0 })).peers).toEqual([{ host: '127.0.0.1', port: 1002 }]);
    expect((await announce(1002, { left: 0, event: 'completed' })).peers).toEqual([]);
    const scraped = await get(scrapeUrl(tracker.url, [HASH, infoHash(new Uint8Array(20))])!);
    expect(parseScrapeResponse(scraped, [HASH, infoHash(new Uint8Array(20))])).toEqual([
      { seeders: 2, leechers: 0, completed: 1 },
      undefined,
    ]);
    expect((await announce(1001, { left: 0, event: 'stopped' })).seeders).toBe(1);
    expect((await announce(1003)).peers).toEqual([{ host: '127.0.0.1', port: 1002 }]);
  });

  it('hands out 50 peers, or what is asked for up to 200', async () => {
    await start();
    for (let port = 1; port <= 210; port++) await announce(port, { numWant: 0 });
    expect((await announce(999)).peers.length).toBe(50);
    expect((await announce(999, { numWant: 9 })).peers.length).toBe(9);
    expect((await announce(999, { numWant: 100_000 })).peers.length).toBe(200);
  });

  it('takes nobody at his word about his address', async () => {
    await start();
    const headers = {
      'X-Forwarded-For': '203.0.113.9',
      'X-Real-IP': '203.0.113.9',
      Forwarded: 'for=203.0.113.9',
    };
    await get(announceUrl(tracker.url, request(1001, { ip: '203.0.113.9' })), headers);
    expect((await announce(1002)).peers).toEqual([{ host: '127.0.0.1', port: 1001 }]);
  });

  it('takes the ip parameter where that was wanted', async () => {
    await start({ trustedProxies: ['127.0.0.0/8'] });
    await announce(1001, { ip: '::ffff:203.0.113.9' });
    await announce(1002, { ip: '2001:db8::2' });
    await announce(1003, { ip: 'localhost' });
    const { peers } = await announce(1004);
    expect(peers.map(({ host }) => host).sort()).toEqual(['127.0.0.1', '2001:db8::2', '203.0.113.9']);
  });

  it('knows an IPv4 peer on an IPv6 socket by its IPv4 address', async () => {
    // Where the machine has no IPv6, this listens on IPv4 alone.
    tracker = await startTracker({ port: 0 });
    await announce(1001);
    expect((await announce(1002)).peers).toEqual([{ host: '127.0.0.1', port: 1001 }]);
  });

  it('writes the old form with and without peer IDs', async () => {
    await start();
    await announce(1001);
    const [peer] = (await announce(1002, {}, '&compact=0&no_peer_id=0')).peers;
    expect(peer).toEqual({ host: '127.0.0.1', port: 1001, peerId: request(1001).peerId });
    expect((await announce(1002, {}, '&compact=0')).peers).toEqual([{ host: '127.0.0.1', port: 1001 }]);
  });

  it('says what is wrong with a request, and who is not served', async () => {
    await start({ maxPeers: 1 });
    const status = async (path: string, method = 'GET') =>
      (await fetch(new URL(path, tracker.url), { method })).status;
    await expect(get(`${tracker.url}?port=1`).then(parseAnnounceResponse)).rejects.toThrow(
      'info_hash is missing',
    );
    await announce(1001);
    await expect(announce(1002)).rejects.toThrow('no room');
    expect(await status('/healthz')).toBe(200);
    expect(await status('/')).toBe(404);
    expect(await status('/announce', 'POST')).toBe(405);
    await expect(startTracker({ host: '127.0.0.1', port: tracker.port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });

  it('holds against long, slow and broken requests, and goes on serving', async () => {
    await start({ requestTimeout: 200 });
    expect(await raw(`GET /announce?${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`)).toContain(' 414 ');
    expect(await raw(`GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(5000)}\r\n`)).toContain(' 431 ');
    expect(await raw('\u0000\u0001garbage\r\n\r\n')).toContain(' 400 ');
    expect(await raw('GET /announce HTTP/1.1\r\nHost: x\r\nX-Slow')).toContain(' 408 ');
    expect(await raw('GET //../announce?%00%zz HTTP/1.1\r\nHost: x\r\n\r\n', 1)).toContain(' 404 ');
    const pipelined = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20);
    expect((await raw(pipelined, 20)).match(/ 200 OK/g)?.length).toBe(20);
    expect((await announce(1001)).leechers).toBe(1);
  });

  it('takes no more connections than it was told, and closes although one stays open', async () => {
    await start({ maxConnections: 1 });
    const first = connect(tracker.port, '127.0.0.1');
    await once(first, 'connect');
    expect(await raw('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('');
    const gone = once(first, 'close');
    await tracker.close();
    await gone;
  });
});
