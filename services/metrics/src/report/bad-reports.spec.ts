import { status } from '@grpc/grpc-js';
import type { metrics as wire } from '@pixtorrent/contracts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  hashOf,
  PIECE,
  type ReportingNode,
  ServedMetrics,
  torrentReport,
} from '../fixtures/served-metrics.ts';
import { SmallTracker } from '../fixtures/small-tracker.ts';

const PATIENCE = { timeout: 10_000, interval: 20 };
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (let cleanup = cleanups.pop(); cleanup; cleanup = cleanups.pop()) await cleanup();
});

/** A service that two good nodes report to, and one that is not. */
async function start(env: Record<string, string> = {}) {
  const service = await ServedMetrics.start(env);
  cleanups.push(() => service.close());
  const [a, b, bad] = ['a', 'b', 'bad'].map((name) => service.node(name)) as [
    ReportingNode,
    ReportingNode,
    ReportingNode,
  ];
  await a.report([torrentReport(8, { sent: 4000 })]);
  await b.report([torrentReport(4, { received: 4000, duplicate: 500 })]);
  return { service, a, b, bad };
}

const GOOD = {
  name: 'model@1',
  nodes: 2,
  whole: 1,
  availability: 1,
  distributedCopies: 1.5,
  completionMin: 0.5,
  duplicateRatio: 1 / 9,
  seederAmplification: 0.5,
  received: 4000,
};

/** What is told of the swarm of the good ones, and of how many others. */
async function told(service: ServedMetrics) {
  const response = await service.get('/v1/swarms');
  const { swarms } = (await response.json()) as { swarms: Record<string, unknown>[] };
  const { completion, ...one } = swarms.find(({ name }) => name === 'model@1') as {
    completion: { min: number };
  };
  return { ...one, completionMin: completion.min, swarms: swarms.length };
}

async function metric(service: ServedMetrics, name: string): Promise<number> {
  const line = (await service.metrics()).find((text) => text.startsWith(`pixtorrent_metrics_${name} `));
  return Number(line?.split(' ').at(-1));
}

const refused = (service: ServedMetrics, reason: string) =>
  metric(service, `reports_refused_total{reason="${reason}"}`);

describe('what cannot be', () => {
  const changes = (came: number[]): Partial<wire.TorrentReport> => ({
    shape: undefined,
    pieces: { $case: 'changes', changes: { came, went: [] } },
  });
  const bits = (...bytes: number[]): Partial<wire.TorrentReport> => ({
    pieces: { $case: 'snapshot', snapshot: Buffer.of(...bytes) },
  });
  const shape = { name: 'model@1', size: 9 * PIECE, pieceLength: PIECE, pieces: 9 };

  it.each<[string, string, Partial<wire.TorrentReport>]>([
    ['too many bits', 'bad-pieces', bits(0xff, 0)],
    ['too few bits', 'bad-pieces', bits()],
    ['pieces beyond the last', 'bad-pieces', changes([8])],
    ['pieces twice', 'bad-pieces', changes([3, 3])],
    ['another shape than others know', 'bad-shape', { ...bits(0xff, 0x80), shape }],
    ['a shape of no content', 'bad-shape', { infoHash: hashOf(9), shape: { ...shape, pieces: 1e9 } }],
    ['counts that are none', 'bad-message', { received: 2 ** 60 }],
    ['half an info hash', 'bad-hash', { infoHash: Buffer.alloc(10) }],
  ])('is refused whole, and named: %s', async (_, reason, of) => {
    const { service, bad } = await start();
    const good = torrentReport(8, { infoHash: hashOf(2) });
    const error = await bad.refusal([good, torrentReport(0, of)]);
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    expect(await refused(service, reason)).toBe(1);
    expect(await told(service)).toMatchObject({ ...GOOD, swarms: 1 });
  });
});

describe('clocks that are off', () => {
  it.each([
    ['behind', 1],
    ['ahead', Date.now() + 1e12],
  ])('by years %s change nothing, and are counted', async (_, sentMs) => {
    const { service, a, b } = await start();
    expect(await metric(service, 'reports_clock_off_total')).toBe(0);
    await a.report([torrentReport(8, { sent: 4000 })], { sentMs: Date.now() });
    expect(await metric(service, 'reports_clock_off_total')).toBe(0);
    await b.report([torrentReport(4, { received: 4000, duplicate: 500 })], { sentMs });
    expect(await metric(service, 'reports_clock_off_total')).toBe(1);
    expect(await told(service)).toMatchObject(GOOD);
    expect(await metric(service, 'stale_nodes')).toBe(0);
  });
});

describe('counters that go back', () => {
  it('have begun again: nothing is taken away, what they count since is added, and it is counted', async () => {
    const { service, b } = await start();
    await b.report([torrentReport(4, { received: 1000 })]);
    expect(await metric(service, 'counters_restarted_total')).toBe(1);
    const now = { ...GOOD, received: 5000, duplicateRatio: 500 / 5500 };
    expect(await told(service)).toMatchObject(now);
    await b.report([torrentReport(4, { received: 1000 })]);
    expect(await metric(service, 'counters_restarted_total')).toBe(1);
    expect(await told(service)).toMatchObject(now);
  });
});

describe('torrents that nobody knows', () => {
  const made = (n: number) =>
    torrentReport(8, {
      infoHash: hashOf(100 + n),
      shape: { ...torrentReport(0).shape!, name: `made/${n}@1` },
    });

  it('are left out where there is no room, and counted', async () => {
    const { service, bad } = await start({ METRICS_MAX_SWARMS: '3' });
    await bad.report([made(1), made(2), made(3), made(4)]);
    expect(await metric(service, 'torrents_left_out_total')).toBe(2);
    expect(await told(service)).toMatchObject({ ...GOOD, swarms: 3 });
  });

  it('are named, and make place for what the tracker knows', async () => {
    const tracker = await SmallTracker.start();
    cleanups.push(() => tracker.close());
    const real = hashOf(7);
    for (const hash of [hashOf(1), real]) tracker.set(hash, { seeders: 1, leechers: 1, completed: 0 });
    const { service, a, bad } = await start({
      METRICS_MAX_SWARMS: '3',
      METRICS_TRACKER: `127.0.0.1:${tracker.port}`,
    });
    await vi.waitFor(async () => expect(await metric(service, 'tracker_followed')).toBe(1), PATIENCE);
    await bad.report([made(1), made(2), made(3)]);
    expect(await metric(service, 'untracked_swarms')).toBe(2);
    await a.report([torrentReport(8, { sent: 4000 }), torrentReport(3, { infoHash: real })]);
    expect(await metric(service, 'untracked_swarms')).toBe(1);
    const { swarms } = await service.list();
    expect(swarms.map(({ infoHash }) => infoHash[0])).toEqual(expect.arrayContaining([1, 7]));
    expect(await told(service)).toMatchObject({ ...GOOD, swarms: 3 });
    // Once they have given way they are not asked for again.
    await bad.report([made(1), made(2)]);
    const { unknown } = await bad.report([{ ...made(1), shape: undefined, pieces: undefined }]);
    expect(unknown).toEqual([]);
    expect(await metric(service, 'untracked_swarms')).toBe(1);
  });
});

describe('a flood', () => {
  it('of reports ends its stream, is named, and keeps nobody waiting', async () => {
    const { service, b, bad } = await start();
    let error: unknown;
    for (let n = 0; n < 1000 && error === undefined; n++)
      error = await bad.report([torrentReport(n % 9)]).then(
        () => undefined,
        (refusal) => refusal,
      );
    expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect(await refused(service, 'flood')).toBe(1);
    await bad.call.cancel();
    await b.report([torrentReport(8, { received: 8000, duplicate: 500 })]);
    expect(await told(service)).toMatchObject({ nodes: 3, whole: 2, received: 8000 });
  });

  it('of nodes is refused beyond those that there is room for, and named', async () => {
    const { service, bad } = await start({ METRICS_MAX_NODES: '3' });
    await bad.report([]);
    const more = service.node('more');
    expect(await more.refusal([])).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect(await refused(service, 'full')).toBe(1);
    expect(await told(service)).toMatchObject(GOOD);
  });
});
