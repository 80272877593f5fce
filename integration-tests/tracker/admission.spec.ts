import { credentials } from '@grpc/grpc-js';
import { tracker as tracking, catalog as wire } from '@pixtorrent/contracts';
import { type InfoHash, infoHash, peerId } from '@pixtorrent/core';
import { parseMetainfo } from '@pixtorrent/metainfo';
import { announce, scrape } from '@pixtorrent/node-io';
import type { AnnounceRequest } from '@pixtorrent/tracker-protocol';
import { describe, expect, it, vi } from 'vitest';
import { type Scope, scoped } from '../support/scope.ts';
import { startTrackerService, type TrackerService } from '../support/tracker-service.ts';
import { smallTorrent } from './catalog-torrents.ts';

const HOST = '127.0.0.1';
const KEY = 'a-holders_k3y';
const SOON = { timeout: 30_000, interval: 20 };
const STRANGE = infoHash(new Uint8Array(20).fill(0x77));

function request(hash: InfoHash, port: number): AnnounceRequest {
  const id = peerId(Buffer.from(`-XX0000-${String(port).padStart(12, '0')}`));
  return { infoHash: hash, peerId: id, port, uploaded: 0, downloaded: 0, left: 1 };
}

/** The ways in, as URLs; a key goes before the path. */
function ways({ http, udp }: TrackerService, key = ''): string[] {
  const path = key === '' ? '/announce' : `/${key}/announce`;
  return [`http://${HOST}:${http}${path}`, `udp://${HOST}:${udp}${path}`];
}

/** Publishes a torrent by gRPC. */
async function publish(scope: Scope, { grpc }: TrackerService, isPrivate: boolean): Promise<InfoHash> {
  const client = new wire.CatalogServiceClient(`${HOST}:${grpc}`, credentials.createInsecure());
  scope.defer(() => client.close());
  const torrent = smallTorrent({ content: isPrivate ? 2 : 1, private: isPrivate });
  const name = isPrivate ? 'private' : 'public';
  await new Promise<void>((resolve, reject) => {
    client.publish({ name, torrent, replicas: undefined, labels: {}, afterVersion: 0 }, (error) =>
      error ? reject(error) : resolve(),
    );
  });
  return parseMetainfo(torrent).infoHash;
}

function remove(scope: Scope, { grpc }: TrackerService, name: string): Promise<void> {
  const client = new wire.CatalogServiceClient(`${HOST}:${grpc}`, credentials.createInsecure());
  scope.defer(() => client.close());
  return new Promise((resolve, reject) => {
    client.remove({ name, version: 0 }, (error) => (error ? reject(error) : resolve()));
  });
}

/** An announce as a session takes it. */
function announceOf(hash: InfoHash, port: number): tracking.AnnounceRequest {
  const { peerId: id, uploaded, downloaded, left } = request(hash, port);
  return {
    infoHash: Buffer.from(hash),
    peerId: Buffer.from(id),
    port,
    uploaded,
    downloaded,
    left,
    address: Buffer.alloc(0),
    event: tracking.AnnounceEvent.ANNOUNCE_EVENT_STARTED,
    numWant: undefined,
    zone: '',
    node: '',
    pixwire: false,
    stalled: false,
    announceKey: '',
  };
}

async function leechersAt({ ops }: TrackerService): Promise<number> {
  const text = await (await fetch(`http://${HOST}:${ops}/metrics`)).text();
  return Number(/^pixtorrent_tracker_leechers (\d+)$/m.exec(text)?.[1]);
}

/** What each way in says to an announce: how many peers there are, or why not. */
async function answers(urls: readonly string[], asked: AnnounceRequest): Promise<(number | string)[]> {
  const found = [];
  for (const url of urls)
    found.push(
      await announce(url, asked).then(
        ({ peers }) => peers.length,
        (error: Error) => error.message,
      ),
    );
  return found;
}

describe('the tracker service', () => {
  it('serves what is in the catalogue alone, from when it is published', () =>
    scoped(async (scope) => {
      const tracker = await startTrackerService(scope, { env: { TRACKER_OPEN: 'false' } });
      const no = 'this tracker does not serve that torrent';
      expect(await answers(ways(tracker), request(STRANGE, 1))).toEqual([no, no]);
      const served = await publish(scope, tracker, false);
      await vi.waitFor(
        async () => expect(await answers(ways(tracker), request(served, 1))).toEqual([0, 0]),
        SOON,
      );
      expect(await answers(ways(tracker), request(served, 2))).toEqual([1, 1]);
      const [http] = ways(tracker);
      expect(await scrape(http!, [STRANGE, served])).toEqual([
        undefined,
        { seeders: 0, leechers: 2, completed: 0 },
      ]);
      expect(await answers(ways(tracker), request(STRANGE, 1))).toEqual([no, no]);
    }));

  it('serves what is removed no more, to those on sessions either', () =>
    scoped(async (scope) => {
      const tracker = await startTrackerService(scope, { env: { TRACKER_OPEN: 'false' } });
      const served = await publish(scope, tracker, false);
      const target = `${HOST}:${tracker.grpc}`;
      const client = new tracking.TrackerServiceClient(target, credentials.createInsecure());
      scope.defer(() => client.close());
      const session = client.session().on('error', () => {});
      const heard: string[] = [];
      session.on('data', ({ message }: tracking.SessionResponse) => heard.push(message!.$case));
      session.write({ message: { $case: 'announce', announce: announceOf(served, 1) } });
      await vi.waitFor(() => expect(heard).toEqual(['answer']), SOON);
      await remove(scope, tracker, 'public');
      await vi.waitFor(() => expect(heard).toEqual(['answer', 'refusal']), SOON);
      await vi.waitFor(async () => expect(await leechersAt(tracker)).toBe(0), SOON);
    }));

  it('tells the peers of private torrents to those with a key only', () =>
    scoped(async (scope) => {
      const env = { TRACKER_KEY_FOR: 'private', TRACKER_ANNOUNCE_KEYS: `${KEY},other` };
      const tracker = await startTrackerService(scope, { env });
      const hidden = await publish(scope, tracker, true);
      const no = 'this torrent wants an announce key: http://HOST/KEY/announce';
      const outsiders = [...ways(tracker), ...ways(tracker, `${KEY}x`), ...ways(tracker, KEY.slice(0, -1))];
      await vi.waitFor(
        async () => expect(await answers(outsiders, request(hidden, 1))).toEqual(outsiders.map(() => no)),
        SOON,
      );
      expect(await answers(ways(tracker, KEY), request(hidden, 2))).toEqual([0, 0]);
      expect(await answers(ways(tracker, 'other'), request(hidden, 3))).toEqual([1, 1]);
      // Nobody but those two was ever let in, and nobody else is told that they are there.
      expect((await scrape(ways(tracker, KEY)[0]!, [hidden]))[0]).toMatchObject({ leechers: 2 });
      expect(await scrape(ways(tracker)[0]!, [hidden])).toEqual([undefined]);
      expect(await answers(ways(tracker), request(STRANGE, 1))).toEqual([0, 0]);
    }));

  it('holds each address to its rate, by whichever way it asks', () =>
    scoped(async (scope) => {
      const tracker = await startTrackerService(scope, { env: { TRACKER_RATE_LIMIT: '1' } });
      const found: (number | string)[] = [];
      const askers = Array.from({ length: 20 }, () => answers(ways(tracker), request(STRANGE, 1)));
      for (const answer of askers) found.push(...(await answer));
      const refused = found.filter((answer) => answer === 'you ask too often').length;
      // Ten at once, and one more for each second that the forty took.
      expect(refused).toBeGreaterThanOrEqual(10);
      expect(refused).toBeLessThanOrEqual(30);
      const metrics = await (await fetch(`http://${HOST}:${tracker.ops}/metrics`)).text();
      expect(metrics).toMatch(
        /^pixtorrent_tracker_announces_total\{frontend="http",event="none",result="too-often"\} [1-9]/m,
      );
      expect(metrics).toMatch(
        /^pixtorrent_tracker_announces_total\{frontend="udp",event="none",result="too-often"\} [1-9]/m,
      );
    }));

  it('believes those proxies that it trusts about where a request comes from', () =>
    scoped(async (scope) => {
      const env = { TRACKER_TRUSTED_PROXIES: '127.0.0.0/8', TRACKER_FORWARDED_HEADER: 'X-Forwarded-For' };
      const tracker = await startTrackerService(scope, { env });
      const [http] = ways(tracker);
      const ids = `info_hash=${'h'.repeat(20)}&peer_id=${'p'.repeat(20)}`;
      const query = `${ids}&port=9&uploaded=0&downloaded=0&left=0&ip=198.51.100.1`;
      await fetch(`${http}?${query}`, { headers: { 'X-Forwarded-For': '198.51.100.2, 192.0.2.5' } });
      const { peers } = await announce(http!, request(infoHash(Buffer.from('h'.repeat(20))), 1));
      expect(peers).toEqual([{ host: '192.0.2.5', port: 9 }]);
    }));
});
