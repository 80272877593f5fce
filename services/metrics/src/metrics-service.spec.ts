import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import type { metrics as wire } from '@pixtorrent/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import { hashOf, ServedMetrics, torrentReport } from './fixtures/served-metrics.ts';

const running: ServedMetrics[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.close()));
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<ServedMetrics> {
  const service = await ServedMetrics.start(env);
  running.push(service);
  return service;
}

/** A seeder of all eight pieces, and one that has half of them. */
async function startWithTwo(env: Readonly<Record<string, string>> = {}) {
  const service = await start(env);
  const [a, b] = [service.node('a'), service.node('b')];
  await a.report([torrentReport(8, { sent: 6000 })], { zone: 'here' });
  const peers = [{ peer: 'a', received: 4000, sent: 0 }];
  await b.report([torrentReport(4, { received: 4000, duplicate: 1000, peers })], {
    zone: 'there',
    counters: { bans: { stalls: 2 }, discoveryMs: 20, messageMs: 1 },
  });
  return { service, a, b };
}

describe('what nodes report', () => {
  it('is told by gRPC, page by page', async () => {
    const { service, b } = await startWithTwo();
    await b.report([torrentReport(0, { infoHash: hashOf(2) })]);
    const first = await service.list({ pageSize: 1 });
    expect(first.swarms).toMatchObject([
      {
        infoHash: hashOf(1),
        name: 'model@1',
        nodes: 2,
        whole: 1,
        availability: 1,
        distributedCopies: 1.5,
        completionMin: 0.5,
        completionP90: 1,
        seederAmplification: 0.75,
        duplicateRatio: 0.2,
        bytesAcrossZones: 4000,
        soleHolder: 'a',
        solePieces: 4,
        secondsLeft: undefined,
        nodeHealth: [],
      },
    ]);
    const rest = await service.list({ pageToken: first.nextPageToken });
    expect(rest.swarms.map(({ infoHash }) => infoHash)).toEqual([hashOf(2)]);
    expect(rest.nextPageToken).toBe('');
    await expect(service.list({ pageToken: 'x', pageSize: 1001 })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(/^page_size: .*page_token: /),
    });
  });

  it('is told as JSON, by name and by info hash', async () => {
    const { service } = await startWithTwo();
    const list = await service.get('/v1/swarms');
    expect(list.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await list.json()).toMatchObject({ swarms: [{ name: 'model@1', secondsLeft: null }] });
    const one = (await (await service.get('/v1/swarms/model@1')).json()) as { members: unknown[] };
    expect(one).toMatchObject({ infoHash: hashOf(1).toString('hex'), availability: 1 });
    expect(one.members).toEqual([
      expect.objectContaining({ node: 'a', zone: 'here', completion: 1, pieces: '/w==', solePieces: 4 }),
      expect.objectContaining({
        node: 'b',
        pieces: '8A==',
        peers: [{ peer: 'a', received: 4000, sent: 0 }],
      }),
    ]);
    const same = await service.get(`/v1/swarms/${hashOf(1).toString('hex').toUpperCase()}`);
    expect(await same.json()).toMatchObject({ name: 'model@1' });
  });

  it('is a problem where no node reports what is asked for', async () => {
    const service = await start();
    const response = await service.get('/v1/swarms/no%0Ane');
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({
      status: 404,
      detail: 'no node reports a swarm no\ufffdne',
    });
  });

  it('is told to Prometheus', async () => {
    const { service } = await startWithTwo();
    const labels = `info_hash="${hashOf(1).toString('hex')}",name="model@1"`;
    const lines = await service.metrics();
    expect(lines).toEqual(
      expect.arrayContaining([
        `pixtorrent_swarm_nodes{${labels}} 2`,
        `pixtorrent_swarm_availability_copies{${labels}} 1`,
        `pixtorrent_swarm_completion_ratio{${labels},quantile="0"} 0.5`,
        `pixtorrent_swarm_seeder_amplification_ratio{${labels}} 0.75`,
        `pixtorrent_swarm_received_bytes_total{${labels}} 4000`,
        `pixtorrent_swarm_across_zones_bytes_total{${labels}} 4000`,
        'pixtorrent_swarm_nodes{info_hash="",name="others"} 0',
        `pixtorrent_swarm_pieces_by_copies{${labels},copies="0"} 0`,
        `pixtorrent_swarm_pieces_by_copies{${labels},copies="1"} 4`,
        `pixtorrent_swarm_pieces_by_copies{${labels},copies="2"} 4`,
        `pixtorrent_swarm_sole_holder_pieces{${labels},node="a"} 4`,
        `pixtorrent_swarm_node_completion_ratio{${labels},node="b"} 0.5`,
        `pixtorrent_swarm_node_download_bytes_per_second{${labels},node="a"} 0`,
        `pixtorrent_swarm_link_bytes_total{${labels},from="a",to="b"} 4000`,
        `pixtorrent_swarm_link_bytes_total{${labels},from="others",to="others"} 0`,
        'pixtorrent_metrics_deliveries_total{result="late"} 0',
        'pixtorrent_metrics_nodes 2',
        'pixtorrent_metrics_reports_total 2',
        'pixtorrent_metrics_reports_refused_total{reason="flood"} 0',
        'pixtorrent_metrics_report_streams 2',
        'pixtorrent_metrics_node_bans_total{cause="stalls"} 2',
        'pixtorrent_metrics_node_bytes_total{kind="received"} 4000',
        'pixtorrent_metrics_node_discovery_seconds{node="highest"} 0.02',
      ]),
    );
    // No end is in sight: there is nothing to tell.
    expect(lines.some((line) => line.startsWith('pixtorrent_swarm_remaining_seconds{'))).toBe(false);
  });

  it('is told to Prometheus of those swarms alone that are most at risk, and of the rest together', async () => {
    const service = await start({ METRICS_TOP_SWARMS: '1' });
    const [a, b] = [service.node('a'), service.node('b')];
    const [safe, alone, lost] = [hashOf(1), hashOf(2), hashOf(3)];
    await a.report([8, 8, 7].map((have, n) => torrentReport(have, { infoHash: [safe, alone, lost][n]! })));
    await b.report([8, 4].map((have, n) => torrentReport(have, { infoHash: [safe, alone][n]! })));
    const lines = (await service.metrics()).filter((line) => /^pixtorrent_swarm_(whole_)?nodes\{/.test(line));
    expect(lines).toEqual([
      `pixtorrent_swarm_nodes{info_hash="${lost.toString('hex')}",name="model@1"} 1`,
      'pixtorrent_swarm_nodes{info_hash="",name="others"} 4',
      `pixtorrent_swarm_whole_nodes{info_hash="${lost.toString('hex')}",name="model@1"} 0`,
      'pixtorrent_swarm_whole_nodes{info_hash="",name="others"} 3',
    ]);
  });

  it('is told to Prometheus of so many nodes of all swarms, first of those that lack something', async () => {
    const service = await start({ METRICS_NODE_SERIES: '3' });
    for (const node of ['w', 'x', 'y', 'z']) await service.node(node).report([torrentReport(8)]);
    await service.node('lacking').report([torrentReport(2)]);
    const infoHash = hashOf(2);
    await service.node('whole').report([torrentReport(8, { infoHash })]);
    const told = (await service.metrics()).filter((line) => line.startsWith('pixtorrent_swarm_node_compl'));
    expect(told.filter((line) => line.includes(hashOf(1).toString('hex')))).toEqual([
      expect.stringMatching(/node="lacking"\} 0.25$/),
      expect.stringMatching(/node="."\} 1$/),
    ]);
    expect(told.filter((line) => line.includes(infoHash.toString('hex')))).toHaveLength(1);
  });
});

describe('who watches', () => {
  it('is told at once, then what has changed, then what is no more', async () => {
    const { service, a, b } = await startWithTwo();
    const call = service.watch({ infoHashes: [hashOf(1)], nodes: true });
    const told = call[Symbol.asyncIterator]();
    const next = async (): Promise<wire.WatchSwarmsResponse> => (await told.next()).value;
    const [swarm] = (await next()).swarms;
    expect(swarm).toMatchObject({ name: 'model@1', whole: 1 });
    expect(swarm?.nodeHealth.map(({ node, pieces }) => [node, [...pieces]])).toEqual([
      ['a', [0xff]],
      ['b', [0xf0]],
    ]);
    const changes = { came: [4, 5, 6, 7], went: [] };
    await b.report([torrentReport(0, { shape: undefined, pieces: { $case: 'changes', changes } })]);
    expect((await next()).swarms).toMatchObject([{ whole: 2, availability: 2 }]);
    await a.report([], { gone: [hashOf(1)] });
    await b.report([], { gone: [hashOf(1)] });
    expect(await next()).toMatchObject({ swarms: [], gone: [hashOf(1)] });
  });

  it('hears at once that there is nothing', async () => {
    const service = await start();
    const [first] = await once(service.watch(), 'data');
    expect(first).toEqual({ swarms: [], gone: [] });
  });

  it.each<[string, Partial<wire.WatchSwarmsRequest>, RegExp]>([
    ['all nodes of all swarms', { nodes: true }, /^nodes: /],
    ['half an info hash', { infoHashes: [Buffer.alloc(10)] }, /^info_hashes\[0\]: /],
    ['too much', { infoHashes: Array(101).fill(hashOf(1)) }, /^info_hashes: /],
    ['without a pause', { intervalMs: 499 }, /^interval_ms: /],
  ])('is refused for asking for %s', async (_, request, details) => {
    const service = await start();
    const [error] = await once(service.watch(request), 'error');
    expect(error).toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringMatching(details) });
  });
});

describe('a node', () => {
  it('is asked for what is not known, and answered each report', async () => {
    const node = (await start()).node('a');
    const changes = torrentReport(0, {
      shape: undefined,
      pieces: { $case: 'changes', changes: { came: [1], went: [] } },
    });
    expect(await node.report([changes])).toEqual({ sequence: 1, unknown: [hashOf(1)], all: false });
    expect(await node.report([torrentReport(1)])).toEqual({ sequence: 2, unknown: [], all: false });
    expect(await node.report([changes], { sequence: 9 })).toMatchObject({ sequence: 9, all: true });
  });

  it('that reports what cannot be is refused, with the field, and counted', async () => {
    const service = await start();
    const wrong = torrentReport(8, { pieces: { $case: 'snapshot', snapshot: Buffer.alloc(2) } });
    expect(await service.node('a').refusal([wrong])).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'torrents[0].snapshot: has to be 8 bits, spare ones zero',
    });
    expect(await service.metrics()).toContain(
      'pixtorrent_metrics_reports_refused_total{reason="bad-pieces"} 1',
    );
    await service.node('a').report([torrentReport(8)]);
    expect((await service.list()).swarms).toMatchObject([{ whole: 1 }]);
  });

  it('that counts more than there is does not keep others from being told', async () => {
    const service = await start();
    const most = Number.MAX_SAFE_INTEGER;
    const peers = [{ peer: 'a', received: most, sent: 0 }];
    for (const name of ['a', 'b', 'c'])
      await service.node(name).report([torrentReport(8, { received: most, failed: most, peers })]);
    expect((await service.list()).swarms).toMatchObject([{ failedPieces: most, bytesBetweenNodes: most }]);
  });

  it('that reports too often is refused', async () => {
    const node = (await start()).node('a');
    let error: unknown;
    for (let n = 0; n < 1000 && error === undefined; n++)
      error = await node.report([]).then(
        () => undefined,
        (refused) => refused,
      );
    expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  it('that reports by a second stream is heard there, and no longer by the first', async () => {
    const service = await start();
    const [old, young] = [service.node('a'), service.node('a')];
    await old.report([torrentReport(1)]);
    await young.report([torrentReport(8)]);
    expect(await old.refusal([torrentReport(1)])).toMatchObject({ code: status.ABORTED });
    expect((await service.list()).swarms).toMatchObject([{ nodes: 1, whole: 1 }]);
  });

  it('beyond those that are followed is refused', async () => {
    const service = await start({ METRICS_MAX_NODES: '1' });
    await service.node('a').report([]);
    expect(await service.node('b').refusal([])).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  it('is sent elsewhere by a service that ends', async () => {
    const service = await start();
    const node = service.node('a');
    await node.report([torrentReport(8)]);
    const closed = service.service.close();
    expect(await node.answer()).toMatchObject({ sequence: 1, goAwayAfterMs: 0 });
    node.call.end();
    expect(await closed).toBe('done');
  });
});

it('is ready when it listens', async () => {
  const service = await start();
  expect(await (await service.get('/readyz')).json()).toMatchObject({ status: 'ready' });
  expect(Object.keys((await start({ METRICS_HTTP_PORT: 'off' })).service.ports)).toEqual(['grpc']);
});
