import { type ClientReadableStream, type ServiceError, status } from '@grpc/grpc-js';
import type { tracker as wire } from '@pixtorrent/contracts';
import { infoHash, type PeerId } from '@pixtorrent/core';
import { PeerStoreError } from '@pixtorrent/tracker';
import { afterEach, expect, it, vi } from 'vitest';
import { hashOf, type ServedOptions, type ServedTracker, serveTracker } from './fixtures/served-tracker.ts';

const soon = { timeout: 20_000, interval: 5 };
const open: ServedTracker[] = [];

afterEach(async () => {
  for (const served of open.splice(0)) await served.close();
});

async function serve(options: ServedOptions = {}): Promise<ServedTracker> {
  const served = await serveTracker(options);
  open.push(served);
  return served;
}

/** What a watcher is told. */
class Watched {
  readonly messages: wire.WatchSwarmsResponse[] = [];
  error: ServiceError | undefined;
  readonly stream: ClientReadableStream<wire.WatchSwarmsResponse>;

  constructor(client: wire.TrackerServiceClient, infoHashes: Buffer[] = [], intervalMs = 100) {
    this.stream = client.watchSwarms({ infoHashes, intervalMs });
    this.stream.on('data', (message: wire.WatchSwarmsResponse) => this.messages.push(message));
    this.stream.on('error', (error) => {
      this.error = error as ServiceError;
    });
  }

  /** Message by message: first bytes of the swarms that have changed with their leechers, and those that are gone. */
  get words(): string[][] {
    return this.messages.map(({ swarms, gone }) => [
      ...swarms.map(({ infoHash: hash, leechers }) => `${hash[0]}:${leechers}`),
      ...gone.map((hash) => `-${hash[0]}`),
    ]);
  }
}

function say({ store }: ServedTracker, fill: number, port: number, role: 'leecher' | 'gone' = 'leecher') {
  return store.announce({
    infoHash: infoHash(hashOf(fill)),
    peerId: hashOf(port) as Uint8Array as PeerId,
    address: Uint8Array.of(10, 0, 0, 1),
    port,
    role,
    left: 5,
    completed: false,
    zone: '',
    node: '',
    pixwire: false,
    numWant: 0,
    families: 'both',
    details: false,
  });
}

it('tells of all swarms at once, then of those that have changed', async () => {
  const served = await serve();
  for (const fill of [1, 2, 3]) await say(served, fill, 1);
  const watched = new Watched(served.client());
  await vi.waitFor(() => expect(watched.words).toEqual([['1:1', '2:1', '3:1']]), soon);
  await say(served, 2, 2);
  const changed = () => watched.messages.slice(1).flatMap(({ swarms }) => swarms);
  await vi.waitFor(
    () => expect(changed().some((s) => s.infoHash[0] === 2 && s.leechers === 2)).toBe(true),
    soon,
  );
  expect(watched.messages.at(-1)!.totals).toEqual({ swarms: 3, seeders: 0, leechers: 4, completed: 0 });
});

it('tells of those that are no more, and of the named only', async () => {
  const interval = 200;
  const served = await serve({ interval });
  await say(served, 1, 1);
  await say(served, 2, 1);
  const watched = new Watched(served.client(), [hashOf(1), hashOf(9)]);
  await vi.waitFor(() => expect(watched.words.flat()).toContain('-1'), soon);
  expect(watched.words[0]).toEqual(['1:1']);
  expect(watched.words.flat().every((word) => word === '1:1' || word === '-1')).toBe(true);
});

it('says at once that there is nothing, and then nothing', async () => {
  const served = await serve();
  const watched = new Watched(served.client());
  await vi.waitFor(() => expect(watched.messages).toHaveLength(1), soon);
  expect(watched.messages[0]).toEqual({
    swarms: [],
    gone: [],
    totals: { swarms: 0, seeders: 0, leechers: 0, completed: 0 },
  });
  await say(served, 1, 1);
  await vi.waitFor(() => expect(watched.messages.length).toBeGreaterThan(1), soon);
  expect(watched.words[1]).toEqual(['1:1']);
});

it('tells nothing while nothing changes, however often it looks', async () => {
  const served = await serve();
  await say(served, 1, 1);
  const asThey = await served.store.swarms(undefined, 10);
  const looks = vi.spyOn(served.store, 'swarms').mockResolvedValue(asThey);
  const watched = new Watched(served.client());
  await vi.waitFor(() => expect(looks.mock.calls.length).toBeGreaterThan(3), soon);
  expect(watched.words).toEqual([['1:1']]);
});

it('tells of as many as it watches, in messages of a thousand', async () => {
  const served = await serve({ maxWatched: 2500 });
  for (let n = 0; n < 3000; n++) {
    const hash = Buffer.alloc(20);
    hash.writeUInt32BE(n);
    const { store } = served;
    await store.announce({
      infoHash: infoHash(hash),
      peerId: hashOf(1) as Uint8Array as PeerId,
      address: Uint8Array.of(10, 0, 0, 1),
      port: 1,
      role: 'leecher',
      left: 5,
      completed: false,
      zone: '',
      node: '',
      pixwire: false,
      numWant: 0,
      families: 'both',
      details: false,
    });
  }
  const watched = new Watched(served.client(), [], 60_000);
  await vi.waitFor(() => expect(watched.messages).toHaveLength(3), soon);
  expect(watched.messages.map(({ swarms }) => swarms.length)).toEqual([1000, 1000, 500]);
  expect(watched.messages[0]!.totals).toMatchObject({ swarms: 3000 });
});

it('refuses what cannot be watched, and more watchers than there is room for', async () => {
  const served = await serve({ maxWatchers: 1 });
  const wrong = new Watched(served.client(), [Buffer.alloc(3)], 99);
  await vi.waitFor(() => expect(wrong.error?.code).toBe(status.INVALID_ARGUMENT), soon);
  expect(wrong.error!.details).toContain('info_hashes[0]: has 3 bytes');
  expect(wrong.error!.details).toContain('interval_ms: is 99');
  const first = new Watched(served.client());
  await vi.waitFor(() => expect(first.messages).toHaveLength(1), soon);
  const second = new Watched(served.client());
  await vi.waitFor(() => expect(second.error?.code).toBe(status.RESOURCE_EXHAUSTED), soon);
  first.stream.cancel();
  await vi.waitFor(() => expect(served.service.figures.watchers).toBe(0), soon);
});

it('ends with the store, and with the service', async () => {
  const failing = await serve();
  vi.spyOn(failing.store, 'totals').mockRejectedValue(new PeerStoreError('store-unavailable', 'away'));
  const one = new Watched(failing.client());
  await vi.waitFor(
    () => expect(one.error).toMatchObject({ code: status.UNAVAILABLE, details: 'away' }),
    soon,
  );
  const served = await serve();
  const other = new Watched(served.client());
  await vi.waitFor(() => expect(other.messages).toHaveLength(1), soon);
  await served.service.close(1000);
  await vi.waitFor(() => expect(other.error?.code).toBe(status.UNAVAILABLE), soon);
});
