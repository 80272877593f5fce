import { credentials } from '@grpc/grpc-js';
import { SeededRandom, silentLogger } from '@pixtorrent/core';
import { systemClock, systemTimers, wallClock } from '@pixtorrent/service-kit';
import { afterEach, expect, it, vi } from 'vitest';
import { ServedNode } from '../fixtures/served-node.ts';
import { SmallMetrics } from '../fixtures/small-metrics.ts';
import type { ReportedNode } from './node-report.ts';
import { Reporters } from './reporters.ts';

/** Reports come every two seconds. */
const PATIENCE = { timeout: 10_000, interval: 20 };

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (let cleanup = cleanups.pop(); cleanup; cleanup = cleanups.pop()) await cleanup();
});

async function service(port = 0, host?: string): Promise<SmallMetrics> {
  const metrics = await SmallMetrics.start(port, host);
  cleanups.push(() => metrics.close());
  return metrics;
}

it('tell every replica everything, whether or not another is there', async () => {
  const [a, b] = [await service(), await service()];
  const node = await ServedNode.start({
    env: { PEER_METRICS: `127.0.0.1:${a.port}, 127.0.0.1:${b.port}` },
  });
  cleanups.push(() => node.close());
  await node.upload({ name: 'models/a' }, [Buffer.alloc(100_000, 7)]);
  for (const one of [a, b])
    await vi.waitFor(() => expect(one.torrent?.shape?.name).toBe('models/a@1'), PATIENCE);
  expect(await node.metric('reporting')).toBe(2);
  const { port } = a;
  await a.close();
  await vi.waitFor(async () => expect(await node.metric('reporting')).toBe(1), PATIENCE);
  await node.upload({ name: 'models/b' }, [Buffer.alloc(100_000, 8)]);
  await vi.waitFor(() => expect(b.reports.at(-1)?.torrents).toHaveLength(2), PATIENCE);
  expect(b.streams).toBe(1);
  const back = await service(port);
  await vi.waitFor(
    () =>
      expect(back.reports[0]?.torrents.map(({ pieces }) => pieces?.$case)).toEqual(['snapshot', 'snapshot']),
    PATIENCE,
  );
  await node.service.close();
  for (const one of [b, back])
    expect(one.reports.at(-1)).toMatchObject({ torrents: [], gone: { length: 2 } });
});

/** What reports a node without torrents, with a clock that goes 50 times as fast, to what a name stands for. */
function reporters(found: { addresses: string[] }, port: number): Reporters {
  const nothing = { bounds: [1], counts: [0, 0], sum: 0 };
  const figures = { bans: {}, firstPeer: nothing, namedPeer: nothing, message: nothing };
  const node = {
    client: { figures: () => figures },
    torrents: { all: () => [], get: () => undefined, on() {}, off() {} },
    catalogue: { entries: new Map() },
    cluster: { nodes: new Map() },
  } as unknown as ReportedNode;
  const reporting = new Reporters(
    {
      node,
      credentials: credentials.createInsecure(),
      clock: systemClock,
      wallClock,
      timers: { after: (delay, callback) => systemTimers.after(delay / 50, callback) },
      random: new SeededRandom(1),
      logger: silentLogger,
      lookup: async () => found.addresses.map((address) => ({ address, family: 4 })),
    },
    { addresses: [{ host: 'metrics.example', port }], name: 'self', zone: '' },
  );
  cleanups.push(() => reporting.close());
  return reporting;
}

it('find replicas that come, and keep to one that is no longer named for as long as it answers', async () => {
  const a = await service(0, '127.0.0.1');
  const b = await service(a.port, '127.0.0.2');
  const found = { addresses: ['127.0.0.1'] };
  const reporting = reporters(found, a.port);
  await vi.waitFor(() => expect(a.reports.length).toBeGreaterThan(0), PATIENCE);
  expect([b.streams, reporting.replicas]).toEqual([0, 1]);
  found.addresses = ['127.0.0.2'];
  await vi.waitFor(() => expect(reporting.working).toBe(2), PATIENCE);
  const told = a.reports.length;
  await vi.waitFor(() => expect(a.reports.length).toBeGreaterThan(told), PATIENCE);
  expect(a.streams).toBe(1);
  await a.close();
  await vi.waitFor(() => expect(reporting.replicas).toBe(1), PATIENCE);
  expect(b.streams).toBe(1);
});

it('are no more than eight, however many there are', async () => {
  const found = { addresses: Array.from({ length: 20 }, (_, n) => `127.0.0.${n + 10}`) };
  const reporting = reporters(found, 1);
  await vi.waitFor(() => expect(reporting.replicas).toBe(8), PATIENCE);
});
