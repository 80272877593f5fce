import { afterEach, expect, it, vi } from 'vitest';
import { ServedNode } from '../fixtures/served-node.ts';
import { SmallMetrics } from '../fixtures/small-metrics.ts';

/** Reports come every two seconds. */
const PATIENCE = { timeout: 10_000, interval: 20 };
const PIECE = 16_384;
const SIZE = 9 * PIECE - 100;

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (let cleanup = cleanups.pop(); cleanup; cleanup = cleanups.pop()) await cleanup();
});

/** A node that has taken in nine pieces, and what it reports to. */
async function start() {
  const metrics = await SmallMetrics.start();
  cleanups.push(() => metrics.close());
  const env = { PEER_METRICS: `127.0.0.1:${metrics.port}`, PEER_ZONE: 'here' };
  const node = await ServedNode.start({ env });
  cleanups.push(() => node.close());
  await node.upload({ name: 'models/a' }, [Buffer.alloc(SIZE, 7)]);
  return { metrics, node };
}

it('tells all of a torrent first, and then what changes', async () => {
  const { metrics } = await start();
  await vi.waitFor(() => expect(metrics.torrent?.shape?.name).toBe('models/a@1'), PATIENCE);
  expect(metrics.reports[0]).toMatchObject({ node: 'self', zone: 'here', sequence: 1 });
  const { shape, pieces, ...figures } = metrics.torrent!;
  expect(shape).toMatchObject({ size: SIZE, pieces: Math.ceil(SIZE / shape!.pieceLength) });
  expect(pieces).toEqual({ $case: 'snapshot', snapshot: allOf(shape!.pieces) });
  expect(figures).toMatchObject({ received: 0, sent: 0, failed: 0, stalledMs: 0, partial: false, peers: [] });
  const told = metrics.reports.length;
  await vi.waitFor(() => expect(metrics.reports.length).toBeGreaterThan(told), PATIENCE);
  expect(metrics.torrent).toMatchObject({ shape: undefined, pieces: undefined });
  expect(metrics.reports.map(({ sequence }) => sequence)).toEqual(metrics.reports.map((_, n) => n + 1));
  expect(metrics.reports.at(-1)?.counters).toMatchObject({ bans: {}, discoveryMs: 0 });
});

it('tells all again where that is asked for', async () => {
  const { metrics } = await start();
  await vi.waitFor(() => expect(metrics.torrent?.shape?.name).toBe('models/a@1'), PATIENCE);
  const infoHash = metrics.torrent!.infoHash;
  for (const answer of [{ unknown: [infoHash] }, { all: true }]) {
    await vi.waitFor(() => expect(metrics.torrent?.shape).toBeUndefined(), PATIENCE);
    metrics.answer = answer;
    await vi.waitFor(() => expect(metrics.torrent?.pieces?.$case).toBe('snapshot'), PATIENCE);
  }
  expect(metrics.streams).toBe(1);
});

it('tells all to a service that was away, and goes where it is sent', async () => {
  const { metrics, node } = await start();
  await vi.waitFor(() => expect(metrics.torrent).toBeDefined(), PATIENCE);
  expect(await node.metric('reporting')).toBe(1);
  const { port } = metrics;
  await metrics.close();
  await vi.waitFor(async () => expect(await node.metric('reporting')).toBe(0), PATIENCE);
  const back = await SmallMetrics.start(port);
  cleanups.push(() => back.close());
  await vi.waitFor(() => expect(back.torrent).toBeDefined(), PATIENCE);
  expect(back.reports[0]).toMatchObject({ sequence: 1, torrents: [{ pieces: { $case: 'snapshot' } }] });
  back.answer = { goAwayAfterMs: 1 };
  await vi.waitFor(() => expect(back.streams).toBe(2), PATIENCE);
  await vi.waitFor(() => expect(back.torrent?.pieces?.$case).toBe('snapshot'), PATIENCE);
});

it('says that a torrent is gone, and at the end that all are', async () => {
  const { metrics, node } = await start();
  await node.upload({ name: 'models/b' }, [Buffer.alloc(SIZE, 8)]);
  await vi.waitFor(() => expect(metrics.reports.at(-1)?.torrents).toHaveLength(2), PATIENCE);
  const [a, b] = metrics.reports.at(-1)!.torrents.map(({ infoHash }) => infoHash);
  node.tracker.remove('models/a', 1);
  await vi.waitFor(() => expect(metrics.reports.flatMap(({ gone }) => gone)).toEqual([a]), PATIENCE);
  await node.service.close();
  expect(metrics.reports.at(-1)).toMatchObject({ torrents: [], gone: [b] });
});

function allOf(pieces: number): Buffer {
  const bits = Buffer.alloc(Math.ceil(pieces / 8));
  for (let piece = 0; piece < pieces; piece++) bits[piece >> 3]! |= 0x80 >> (piece & 7);
  return bits;
}
