import { createConnection, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { NodeMessage, SwarmMessage, SwarmsMessage } from '../../page/messages.d.ts';
import { hashOf, ServedMetrics, torrentReport } from '../fixtures/served-metrics.ts';

const closings: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

async function start(): Promise<ServedMetrics> {
  const service = await ServedMetrics.start();
  closings.push(() => service.close());
  return service;
}

/** Server-sent events as a page reads them, without the sign that the connection lives. */
async function* events(service: ServedMetrics, query = ''): AsyncGenerator<{ name: string; data: unknown }> {
  const ended = new AbortController();
  closings.push(() => ended.abort());
  const response = await service.get(`/v1/events${query}`, { signal: ended.signal });
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  let text = '';
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    text += part;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [, name, data] = /^event: (.+)\ndata: (.+)$/.exec(text.slice(0, end)) ?? [];
      text = text.slice(end + 2);
      if (name !== undefined && name !== 'alive') yield { name, data: JSON.parse(data!) };
    }
  }
}

async function next<T>(told: AsyncGenerator<{ data: unknown }>): Promise<T> {
  return (await told.next()).value.data as T;
}

describe('the page', () => {
  it('is served with all that it is made of, at most 150 kB, and lets nothing in from elsewhere', async () => {
    const service = await start();
    let size = 0;
    const seen = new Set<string>();
    const load = async (path: string): Promise<void> => {
      if (seen.has(path)) return;
      seen.add(path);
      const response = await service.get(path);
      expect([path, response.status]).toEqual([path, 200]);
      expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'self';/);
      const text = await response.text();
      size += Buffer.byteLength(text);
      for (const [, name] of text.matchAll(/(?:src|href)="(page\/[^"]+)"/g)) await load(`/${name}`);
      for (const [, name] of text.matchAll(/from ?'\.\/([^']+)'/g)) await load(`/page/${name}`);
    };
    await load('/');
    expect([...seen]).toEqual(expect.arrayContaining(['/page/style.css', '/page/main.js', '/page/words.js']));
    expect(size).toBeGreaterThan(10_000);
    expect(size).toBeLessThan(150_000);
  });

  it('has no files but its own', async () => {
    const service = await start();
    for (const path of ['/page/tsconfig.json', '/page/..%2Fpackage.json', '/page/main.ts'])
      expect((await service.get(path)).status).toBe(404);
  });
});

describe('who reads events', () => {
  it('of all swarms is told of them at once, then of changes, then of what is gone', async () => {
    const service = await start();
    const a = service.node('a');
    await a.report([torrentReport(8)]);
    const told = events(service);
    const hash = hashOf(1).toString('hex');
    expect(await next<SwarmsMessage>(told)).toMatchObject({
      whole: true,
      swarms: [{ infoHash: hash, name: 'model@1', nodes: 1, whole: 1, warnings: [] }],
      gone: [],
    });
    await service.node('b').report([torrentReport(4)]);
    expect(await next<SwarmsMessage>(told)).toMatchObject({ whole: false, swarms: [{ nodes: 2, whole: 1 }] });
    await a.report([], { gone: [hashOf(1)] });
    await service.node('b').report([], { gone: [hashOf(1)] });
    let message = await next<SwarmsMessage>(told);
    if (message.gone.length === 0) message = await next<SwarmsMessage>(told);
    expect(message).toMatchObject({ whole: false, swarms: [], gone: [hash] });
  });

  it('of one swarm is told of its nodes, then only of those that have changed', async () => {
    const service = await start();
    const [a, b] = [service.node('a'), service.node('b')];
    await a.report([torrentReport(8)], { zone: 'here' });
    await b.report([torrentReport(4, { peers: [{ peer: 'a', received: 4000, sent: 0 }] })]);
    const told = events(service, '?swarm=model%401');
    const whole = await next<SwarmMessage>(told);
    expect(whole).toMatchObject({ whole: true, swarm: { columns: 8, omitted: 0 }, gone: [] });
    expect(whole.nodes).toMatchObject([
      { node: 'a', zone: 'here', completion: 1, sole: 4, pieces: '/w==', from: [] },
      { node: 'b', zone: '', completion: 0.5, pieces: '8A==', from: [['a', 4000]] },
    ] satisfies Partial<NodeMessage>[]);
    const changes = { came: [4, 5], went: [] };
    await b.report([torrentReport(0, { shape: undefined, pieces: { $case: 'changes', changes } })]);
    const change = await next<SwarmMessage>(told);
    expect(change.whole).toBe(false);
    expect(change.nodes.map(({ node, pieces }) => [node, pieces])).toEqual([
      ['a', undefined],
      ['b', '/A=='],
    ]);
    await b.report([], { gone: [hashOf(1)] });
    expect(await next<SwarmMessage>(told)).toMatchObject({ whole: false, gone: ['b'] });
  });

  it('of a swarm that nobody reports yet is told so, and then of it', async () => {
    const service = await start();
    const told = events(service, `?swarm=${hashOf(1).toString('hex')}`);
    expect(await next<SwarmMessage>(told)).toEqual({ whole: true, swarm: null, nodes: [], gone: [] });
    await service.node('a').report([torrentReport(8)]);
    expect(await next<SwarmMessage>(told)).toMatchObject({ whole: true, nodes: [{ node: 'a' }] });
  });

  it('is told a sample of the pieces of a torrent that has more than a screen has pixels', async () => {
    const service = await start();
    const pieces = 1_000_000;
    const half = Buffer.alloc(pieces / 8);
    half.fill(0xff, 0, pieces / 16);
    const shape = { name: 'large@1', size: pieces * 1000, pieceLength: 1000, pieces };
    await service
      .node('a')
      .report([torrentReport(0, { shape, pieces: { $case: 'snapshot', snapshot: half } })]);
    const { swarm, nodes } = await next<SwarmMessage>(events(service, '?swarm=large@1'));
    expect(swarm).toMatchObject({ pieces, columns: 4096 });
    const shown = Buffer.from(nodes[0]!.pieces!, 'base64');
    expect(shown).toEqual(Buffer.concat([Buffer.alloc(256, 0xff), Buffer.alloc(256)]));
  });

  it('beyond a hundred is turned away, and counted', async () => {
    const service = await start();
    const opened: Socket[] = [];
    closings.push(() => {
      for (const socket of opened) socket.destroy();
    });
    for (let n = 0; n < 100; n++) opened.push(await subscribe(service, '/v1/events'));
    const response = await service.get('/v1/events');
    expect(response.status).toBe(503);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await service.metrics()).toEqual(
      expect.arrayContaining([
        'pixtorrent_metrics_pages 100',
        'pixtorrent_metrics_pages_turned_away_total{reason="full"} 1',
      ]),
    );
    opened[0]!.destroy();
    await expect
      .poll(async () => (await service.metrics()).includes('pixtorrent_metrics_pages 99'))
      .toBe(true);
    expect((await next<SwarmsMessage>(events(service))).whole).toBe(true);
  });
});

/** A reader whose connection is read as far as the head of the answer. */
async function subscribe(service: ServedMetrics, path: string): Promise<Socket> {
  const socket = createConnection(service.service.ports.http!, '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  socket.pause();
  return socket;
}
