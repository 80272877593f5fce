import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { SeededRandom, silentLogger } from '@pixtorrent/core';
import { systemClock, systemTimers, TlsFiles } from '@pixtorrent/service-kit';
import { SwarmHealth } from '@pixtorrent/swarm-health';
import { TestAuthority } from '@pixtorrent/testkit';
import { afterEach, expect, it, vi } from 'vitest';
import { hashOf, ServedMetrics, torrentReport } from '../fixtures/served-metrics.ts';
import { SmallTracker } from '../fixtures/small-tracker.ts';
import { TrackerWatch } from './tracker-watch.ts';

const PATIENCE = { timeout: 10_000, interval: 20 };
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (let cleanup = cleanups.pop(); cleanup; cleanup = cleanups.pop()) await cleanup();
});

async function start(env: Record<string, string>): Promise<ServedMetrics> {
  const service = await ServedMetrics.start(env);
  cleanups.push(() => service.close());
  return service;
}

async function trackerOf(service: ServedMetrics, name = 'model@1'): Promise<unknown> {
  return ((await (await service.get(`/v1/swarms/${name}`)).json()) as { tracker?: unknown }).tracker;
}

async function ready(service: ServedMetrics): Promise<unknown> {
  const response = await service.get('/readyz');
  return { code: response.status, ...((await response.json()) as object) };
}

it('adds to each swarm whom its tracker knows, and who of them does not report', async () => {
  const tracker = await SmallTracker.start();
  cleanups.push(() => tracker.close());
  tracker.set(hashOf(1), { seeders: 2, leechers: 3, completed: 7 });
  const service = await start({ METRICS_TRACKER: `127.0.0.1:${tracker.port}` });
  await service.node('a').report([torrentReport(8, { announced: true })]);
  await service.node('b').report([torrentReport(4, { announced: true })]);
  await service.node('c').report([torrentReport(4), torrentReport(1, { infoHash: hashOf(2) })]);
  const told = { seeders: 2, leechers: 3, completed: 7, announced: 2, others: 3 };
  await vi.waitFor(async () => expect(await trackerOf(service)).toEqual(told), PATIENCE);
  const nobody = { seeders: 0, leechers: 0, completed: 0, announced: 0, others: 0 };
  expect((await service.list()).swarms.map((one) => one.tracker)).toEqual([told, nobody]);
  const members = (await (await service.get('/v1/swarms/model@1')).json()) as { members: unknown };
  expect(members.members).toMatchObject([{ announced: true }, { announced: true }, { announced: false }]);
  tracker.set(hashOf(1), { seeders: 3, leechers: 0, completed: 8 });
  await vi.waitFor(
    async () => expect(await trackerOf(service)).toMatchObject({ seeders: 3, others: 1 }),
    PATIENCE,
  );
  const labels = `info_hash="${hashOf(1).toString('hex')}",name="model@1"`;
  expect(await service.metrics()).toEqual(
    expect.arrayContaining([
      'pixtorrent_metrics_tracker_followed 1',
      'pixtorrent_metrics_tracked_swarms 1',
      'pixtorrent_metrics_untracked_swarms 1',
      `pixtorrent_swarm_tracker_peers{${labels},role="seeder"} 3`,
      `pixtorrent_swarm_announced_nodes{${labels}} 2`,
      `pixtorrent_swarm_other_peers{${labels}} 1`,
    ]),
  );
  tracker.set(hashOf(1));
  await vi.waitFor(async () => expect(await trackerOf(service)).toMatchObject({ seeders: 0 }), PATIENCE);
});

it('is no reason to send nodes away while the tracker is', async () => {
  const tracker = await SmallTracker.start();
  const { port } = tracker;
  await tracker.close();
  const service = await start({ METRICS_TRACKER: `127.0.0.1:${port}` });
  await service.node('a').report([torrentReport(8, { announced: true })]);
  const reason = 'the tracker does not answer';
  expect(await ready(service)).toEqual({
    code: 200,
    status: 'degraded',
    checks: { tracker: { status: 'degraded', reason } },
  });
  expect(await trackerOf(service)).toBeNull();
  expect(await service.metrics()).toContain('pixtorrent_metrics_tracker_followed 0');
  const back = await SmallTracker.start({ port });
  cleanups.push(() => back.close());
  await vi.waitFor(async () => expect(await ready(service)).toMatchObject({ status: 'ready' }), PATIENCE);
  expect(await trackerOf(service)).toMatchObject({ seeders: 0, announced: 1 });
});

it('lets what was said stand for a while, and then goes by what is said since', async () => {
  const [a, b] = [await SmallTracker.start(), await SmallTracker.start()];
  cleanups.push(() => b.close());
  const counts = { seeders: 1, leechers: 1, completed: 1 };
  for (const fill of [1, 2]) a.set(hashOf(fill), counts);
  b.set(hashOf(2), { ...counts, seeders: 5 });
  const health = new SwarmHealth({ clock: systemClock });
  const watch = new TrackerWatch(
    {
      health,
      credentials: credentials.createInsecure(),
      timers: systemTimers,
      random: new SeededRandom(1),
      logger: silentLogger,
    },
    { addresses: [a, b].map(({ port }) => ({ host: '127.0.0.1', port })), doubt: 1000 },
  );
  cleanups.push(() => watch.close());
  const known = () => [...health.tracked].map((key) => Number.parseInt(key.slice(0, 2), 16)).sort();
  await vi.waitFor(() => expect(known()).toEqual([1, 2]), PATIENCE);
  await a.close();
  await vi.waitFor(() => expect(watch.working).toBe(false), PATIENCE);
  expect(known()).toEqual([1, 2]);
  await vi.waitFor(() => expect(watch.working).toBe(true), PATIENCE);
  await vi.waitFor(() => expect(known()).toEqual([2]), PATIENCE);
  await b.close();
  await vi.waitFor(() => expect(known()).toEqual([]), PATIENCE);
});

it('calls a tracker that wants to know who it is, and believes no other', async () => {
  const [authority, stranger] = [new TestAuthority(), new TestAuthority('another authority')];
  const folder = await mkdtemp(join(tmpdir(), 'pix-metrics-tls-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const issued = authority.issue({ hosts: ['localhost', '127.0.0.1'] });
  const paths = { key: join(folder, 'key'), certificate: join(folder, 'crt'), ca: join(folder, 'ca') };
  await writeFile(paths.key, issued.key);
  await writeFile(paths.certificate, issued.certificate);
  await writeFile(paths.ca, authority.certificate);
  await writeFile(join(folder, 'other'), stranger.certificate);
  const tls = new TlsFiles({ timers: systemTimers, logger: silentLogger }, { name: 'tracker', paths });
  cleanups.push(() => tls.close());
  const tracker = await SmallTracker.start({ tls });
  cleanups.push(() => tracker.close());
  const env = {
    METRICS_TRACKER: `localhost:${tracker.port}`,
    METRICS_TRACKER_TLS: 'true',
    METRICS_TLS_KEY_FILE: paths.key,
    METRICS_TLS_CERT_FILE: paths.certificate,
  };
  const mistrusting = await start({ ...env, METRICS_TRACKER_CA_FILE: join(folder, 'other') });
  const service = await start({ ...env, METRICS_TRACKER_CA_FILE: paths.ca });
  await vi.waitFor(async () => expect(await ready(service)).toMatchObject({ status: 'ready' }), PATIENCE);
  expect(await ready(mistrusting)).toMatchObject({ status: 'degraded' });
});
