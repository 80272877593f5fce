import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { credentials } from '@grpc/grpc-js';
import { Client, createTorrent, FILE_SYSTEM, type TorrentSession } from '@pixtorrent/client';
import { tracker } from '@pixtorrent/contracts';
import { formatMagnet, type Metainfo, parseMagnet, parseMetainfo } from '@pixtorrent/metainfo';
import { expect, it, vi } from 'vitest';
import { createTorrent as createByCommand, startSeed } from '../support/clients/pixtorrent.ts';
import { digestTree, writeFileOf } from '../support/content.ts';
import { freePort } from '../support/ports.ts';
import { type Scope, scoped } from '../support/scope.ts';
import { startTrackerService, type TrackerService } from '../support/tracker-service.ts';

const HOST = '127.0.0.1';
const SIZE = 3_000_000;
const soon = { timeout: 30_000, interval: 20 };

interface Content {
  readonly folder: string;
  readonly metainfo: Metainfo;
}

async function makeContent(scope: Scope, tiers: string[][], name = 'model.bin'): Promise<Content> {
  const folder = await scope.folder();
  await writeFileOf(join(folder, name), name, SIZE);
  const torrent = await createTorrent(join(folder, name), { trackers: tiers, pieceLength: 65_536 });
  return { folder, metainfo: parseMetainfo(torrent, { fileSystem: FILE_SYSTEM }) };
}

async function openClient(scope: Scope): Promise<Client> {
  const client = await Client.open({ host: HOST });
  scope.defer(() => client.close());
  return client;
}

async function getting(
  scope: Scope,
  client: Client,
  metainfo: Metainfo,
  downloadRate?: number,
): Promise<{ session: TorrentSession; dir: string; whole: Promise<unknown> }> {
  const dir = await scope.folder();
  const session = await client.download(metainfo, { dir, ...(downloadRate && { downloadRate }) });
  const whole = once(session, 'complete');
  session.start();
  return { session, dir, whole };
}

/** The last word of each tracker, by its URL. */
function watch(session: TorrentSession): Map<string, string> {
  const statuses = new Map<string, string>();
  session.on('tracker', (url, { type }) => {
    if (type !== 'announcing') statuses.set(url, type);
  });
  return statuses;
}

const httpUrl = ({ http }: TrackerService) => `http://${HOST}:${http}/announce`;
const udpUrl = ({ udp }: TrackerService) => `udp://${HOST}:${udp}`;
const grpcUrl = ({ grpc }: Pick<TrackerService, 'grpc'>) => `grpc://${HOST}:${grpc}`;

/** Asks the tracker for one swarm. */
async function countsOf(scope: Scope, { grpc }: TrackerService, { infoHash }: Metainfo) {
  const client = new tracker.TrackerServiceClient(`${HOST}:${grpc}`, credentials.createInsecure());
  scope.defer(() => client.close());
  return async () => {
    const request = { infoHashes: [Buffer.from(infoHash)], announceKey: '' };
    const { swarms } = await promisify(client.scrape.bind(client) as Scrape)(request);
    const { seeders, leechers, completed } = swarms[0]!;
    return { seeders, leechers, completed };
  };
}

type Scrape = (
  request: tracker.ScrapeRequest,
  callback: (error: Error | null, response: tracker.ScrapeResponse) => void,
) => void;

/** A figure of `/metrics`. */
async function metric({ ops }: TrackerService, name: string): Promise<number> {
  const text = await (await fetch(`http://${HOST}:${ops}/metrics`)).text();
  return Number(new RegExp(`^pixtorrent_tracker_${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
}

it('finds a peer by a session, and is found by the one that was there before', () =>
  scoped(async (scope) => {
    const service = await startTrackerService(scope, {
      env: { TRACKER_KEY_FOR: 'all', TRACKER_ANNOUNCE_KEYS: 'secret' },
    });
    const { folder, metainfo } = await makeContent(scope, [[`${grpcUrl(service)}/secret`]]);
    const leecher = await openClient(scope);
    // Nobody is there: who comes later is told unasked, long before the next announce.
    const { dir, whole } = await getting(scope, leecher, metainfo);
    await vi.waitFor(async () => expect(await metric(service, 'session_swarms')).toBe(1), soon);
    const seeder = await openClient(scope);
    (await seeder.seed(metainfo, { dir: folder })).start();
    await whole;
    expect(await digestTree(dir)).toEqual(await digestTree(folder));

    const totals = async () => [await metric(service, 'seeders'), await metric(service, 'downloads')];
    await vi.waitFor(async () => expect(await totals()).toEqual([2, 1]), soon);
    await leecher.close();
    await vi.waitFor(async () => expect(await totals()).toEqual([1, 1]), soon);
    expect(await metric(service, 'sessions_ended_total{reason="ended"}')).toBe(1);
    expect(await metric(service, 'session_departing_peers')).toBe(0);
  }));

it('keeps one stream for all torrents, also for one that begins as a magnet link', () =>
  scoped(async (scope) => {
    const service = await startTrackerService(scope);
    const contents = await Promise.all(
      ['a.bin', 'b.bin', 'c.bin'].map((name) => makeContent(scope, [[grpcUrl(service)]], name)),
    );
    const seeder = await openClient(scope);
    for (const { folder, metainfo } of contents) (await seeder.seed(metainfo, { dir: folder })).start();
    await vi.waitFor(async () => expect(await metric(service, 'session_swarms')).toBe(3), soon);
    expect(await metric(service, 'sessions')).toBe(1);

    const leecher = await openClient(scope);
    const downloads = contents.map(async ({ metainfo: { infoHash, trackers } }) => {
      const link = parseMagnet(formatMagnet({ infoHash, trackers: trackers.flat() }));
      const metainfo = await leecher.fetchMetadata(link, { timeout: 60_000 });
      await (await getting(scope, leecher, metainfo)).whole;
    });
    await Promise.all(downloads);
    await leecher.close();
    await vi.waitFor(async () => expect(await metric(service, 'sessions')).toBe(1), soon);
  }));

it('finds those who came over HTTP and UDP, and is found by them', () =>
  scoped(async (scope) => {
    const service = await startTrackerService(scope);
    const { folder, metainfo } = await makeContent(scope, [[grpcUrl(service)]]);
    const over = (url: string): Metainfo => ({ ...metainfo, trackers: [[url]] });
    let [from, source] = [folder, await openClient(scope)];
    (await source.seed(over(udpUrl(service)), { dir: from })).start();
    // One after the other has the content from the one before alone, and each came another way.
    for (const url of [grpcUrl(service), httpUrl(service), grpcUrl(service), udpUrl(service)]) {
      const client = await openClient(scope);
      const { dir, whole } = await getting(scope, client, over(url));
      await whole;
      await source.close();
      [from, source] = [dir, client];
    }
    expect(await digestTree(from)).toEqual(await digestTree(folder));
  }));

it('falls back on HTTP when the tracker dies, and returns to it', () =>
  scoped(async (scope) => {
    const grpc = await freePort();
    const env = { TRACKER_GRPC_PORT: String(grpc) };
    const first = await startTrackerService(scope, { env });
    const other = await startTrackerService(scope);
    const { folder, metainfo } = await makeContent(scope, [[grpcUrl({ grpc })], [httpUrl(other)]]);
    const seeder = await openClient(scope);
    const seeding = await seeder.seed(metainfo, { dir: folder });
    const heardBySeeder = watch(seeding);
    seeding.start();
    const leecher = await openClient(scope);
    const { session, whole } = await getting(scope, leecher, metainfo, 300_000);
    const heardByLeecher = watch(session);
    await vi.waitFor(() => expect(session.stats().have).toBeGreaterThan(0), soon);

    first.process.signal('SIGKILL');
    const fallenBack = [
      [grpcUrl({ grpc }), 'failed'],
      [httpUrl(other), 'working'],
    ];
    for (const heard of [heardBySeeder, heardByLeecher])
      await vi.waitFor(() => expect([...heard]).toEqual(expect.arrayContaining(fallenBack)), soon);
    expect(session.complete).toBe(false);

    const late = await openClient(scope);
    const { dir, whole: lateWhole } = await getting(scope, late, metainfo);
    await lateWhole;
    expect(await digestTree(dir)).toEqual(await digestTree(folder));

    const second = await startTrackerService(scope, { env });
    const back = { ...second, grpc };
    for (const heard of [heardBySeeder, heardByLeecher])
      await vi.waitFor(() => expect(heard.get(grpcUrl(back))).toBe('working'), soon);
    await whole;
    const counts = await countsOf(scope, back, metainfo);
    await vi.waitFor(async () => expect((await counts()).seeders).toBeGreaterThanOrEqual(2), soon);
    const { seeders } = await counts();
    await leecher.close();
    await vi.waitFor(async () => expect((await counts()).seeders).toBe(seeders - 1), soon);
  }));

it('goes elsewhere when it is sent away, and is known there at once', () =>
  scoped(async (scope) => {
    const first = await startTrackerService(scope);
    const second = await startTrackerService(scope);
    const { folder, metainfo } = await makeContent(scope, [[grpcUrl(first)], [grpcUrl(second)]]);
    const seeder = await openClient(scope);
    (await seeder.seed(metainfo, { dir: folder })).start();
    await vi.waitFor(async () => expect(await metric(first, 'session_swarms')).toBe(1), soon);
    first.process.signal('SIGTERM');
    expect(await first.process.exit(30)).toEqual({ code: 0, signal: null });
    await vi.waitFor(async () => expect(await metric(second, 'seeders')).toBe(1), soon);
    const leecher = await openClient(scope);
    const { dir, whole } = await getting(scope, leecher, metainfo);
    await whole;
    expect(await digestTree(dir)).toEqual(await digestTree(folder));
  }));

it('is let go some seconds after its process was killed', () =>
  scoped(async (scope) => {
    const service = await startTrackerService(scope);
    const { folder, metainfo } = await makeContent(scope, [[grpcUrl(service)]]);
    const torrent = join(await scope.folder(), 'content.torrent');
    await createByCommand(join(folder, 'model.bin'), torrent, '--tracker', grpcUrl(service));
    const killed = await startSeed(scope, { torrent, folder, port: await freePort() });
    const counts = await countsOf(scope, service, metainfo);
    await vi.waitFor(async () => expect(await metric(service, 'seeders')).toBe(1), soon);
    const since = performance.now();
    killed.process.signal('SIGKILL');
    await vi.waitFor(async () => expect(await metric(service, 'session_departing_peers')).toBe(1), soon);
    await vi.waitFor(async () => expect(await metric(service, 'seeders')).toBe(0), {
      ...soon,
      interval: 100,
    });
    expect(performance.now() - since).toBeGreaterThan(4900);
    expect(await counts()).toEqual({ seeders: 0, leechers: 0, completed: 0 });
  }));
