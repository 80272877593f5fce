import { status } from '@grpc/grpc-js';
import { tracker as wire } from '@pixtorrent/contracts';
import { infoHash } from '@pixtorrent/core';
import { type Asking, PeerStoreError, RefusedError } from '@pixtorrent/tracker';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  announceOf,
  hashOf,
  Listener,
  type ServedOptions,
  type ServedTracker,
  serveTracker,
  updateOf,
} from '../fixtures/served-tracker.ts';

const STOPPED = wire.AnnounceEvent.ANNOUNCE_EVENT_STOPPED;
const COMPLETED = wire.AnnounceEvent.ANNOUNCE_EVENT_COMPLETED;
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

/** Joins a swarm by a stream of its own, and waits for the answer. */
async function join(
  served: ServedTracker,
  port: number,
  change: Partial<wire.AnnounceRequest> = {},
): Promise<Listener> {
  const listener = new Listener(served.client());
  listener.announce(announceOf(port, change));
  await vi.waitFor(() => expect(listener.answers).toHaveLength(1), soon);
  return listener;
}

const hears = (listener: Listener, words: readonly string[]) =>
  vi.waitFor(() => expect(listener.words).toEqual(words), soon);

async function counts({ store }: ServedTracker, fill = 1): Promise<[number, number]> {
  const [entry] = await store.scrape([infoHash(hashOf(fill))]);
  return [entry?.seeders ?? 0, entry?.leechers ?? 0];
}

describe('a session', () => {
  it('answers the first message as an announce, and tells who joins and who leaves, but not of oneself', async () => {
    const served = await serve();
    const first = await join(served, 7001);
    const second = await join(served, 7002, { pixwire: true });
    expect(second.answers[0]).toMatchObject({ interval: 120, seeders: 0, leechers: 2, warning: '' });
    const [peer] = second.answers[0]!.peers;
    expect(peer).toEqual({
      address: Buffer.from([127, 0, 0, 1]),
      port: 7001,
      peerId: announceOf(7001).peerId,
      pixwire: false,
      seeder: false,
    });
    await hears(first, ['=0', '+7002']);
    expect(first.changes[0]!.joined[0]).toMatchObject({ peerId: announceOf(7002).peerId, pixwire: true });
    second.update(updateOf({ event: STOPPED }));
    await hears(first, ['=0', '+7002', '-7002']);
    expect(await counts(served)).toEqual([0, 1]);
    expect(second.words).toEqual(['=1']);
    expect(await served.metric('session_pushes_total')).toBe(2);
  });

  it('tells a seeder of leechers only, and all of a peer that becomes one', async () => {
    const served = await serve();
    const seeder = await join(served, 7001, { left: 0 });
    const leecher = await join(served, 7002);
    await join(served, 7003, { left: 0 });
    await hears(leecher, ['=1', '+7003s']);
    leecher.update(updateOf({ left: 0, event: COMPLETED }));
    const third = await join(served, 7004);
    await hears(seeder, ['=0', '+7002', '+7004']);
    await hears(leecher, ['=1', '+7003s', '+7004']);
    third.update(updateOf({ left: 0, event: COMPLETED }));
    third.update(updateOf({ left: 0, event: STOPPED }));
    const last = await join(served, 7005);
    expect(last.answers[0]!.seeders).toBe(3);
    await hears(seeder, ['=0', '+7002', '+7004', '+7005']);
  });

  it('hears of those who come by other ways, and says once what happens together', async () => {
    const served = await serve();
    const listener = await join(served, 7001);
    const say = (port: number, role: 'leecher' | 'gone') =>
      served.store.announce({
        infoHash: infoHash(hashOf(1)),
        peerId: infoHash(Buffer.alloc(20, port)) as never,
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
    // All in one turn: none of them waits for anything.
    await Promise.all([say(1, 'leecher'), say(2, 'leecher'), say(3, 'leecher'), say(2, 'gone')]);
    await vi.waitFor(() => expect(listener.changes).toHaveLength(1), soon);
    const [{ joined, left }] = listener.changes as [wire.SwarmChange];
    expect([joined.map(({ port }) => port), left.map(({ port }) => port)]).toEqual([[1, 3], [2]]);
  });

  it('answers an update only where peers are wanted, and gives who is stalled others than before', async () => {
    const served = await serve();
    for (let port = 1; port <= 20; port++) await join(served, port);
    const asker = await join(served, 7000, { numWant: 10 });
    asker.update(updateOf({ left: 10 }));
    asker.update(updateOf({ left: 10, numWant: 10, stalled: true }));
    await vi.waitFor(() => expect(asker.answers).toHaveLength(2), soon);
    const [before, after] = asker.answers.map(({ peers }) => peers.map(({ port }) => port));
    expect(new Set([...before!, ...after!]).size).toBe(20);
  });

  it('refuses a swarm, and goes on with the others', async () => {
    const served = await serve({
      maxSwarms: 3,
      logic: (tracker) => ({
        announce: async (request, asking) => {
          const [first] = request.infoHash;
          if (first === 2) throw new RefusedError('not-served', 'this torrent is not served here');
          if (first === 3) throw new PeerStoreError('store-unavailable', 'the peers cannot be reached');
          if (first === 4) throw new TypeError('a fault of ours');
          return tracker.announce(request, asking);
        },
        scrape: (hashes) => tracker.scrape(hashes),
      }),
    });
    const listener = await join(served, 7001);
    for (const fill of [2, 3, 4]) listener.announce(announceOf(7001, { infoHash: hashOf(fill) }));
    listener.announce(announceOf(0, { infoHash: hashOf(5) }));
    listener.update(updateOf({ infoHash: hashOf(6) }));
    await vi.waitFor(() => expect(listener.refusals).toHaveLength(5), soon);
    const said = Object.fromEntries(
      listener.refusals.map(({ infoHash: hash, code, reason }) => [hash[0], [code, reason]]),
    );
    expect(said).toEqual({
      2: [status.PERMISSION_DENIED, 'this torrent is not served here'],
      3: [status.UNAVAILABLE, 'the peers cannot be reached'],
      4: [status.INTERNAL, 'the tracker has a fault'],
      5: [status.INVALID_ARGUMENT, 'port: is 0, 1 to 65535 are allowed'],
      6: [status.NOT_FOUND, 'the torrent has not been announced on this stream'],
    });
    for (const fill of [7, 8, 9]) listener.announce(announceOf(7001, { infoHash: hashOf(fill) }));
    await vi.waitFor(() => expect(listener.refusals.at(-1)?.infoHash).toEqual(hashOf(9)), soon);
    expect(listener.refusals.at(-1)).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      reason: 'a stream has room for 3 torrents',
    });
    await join(served, 7002);
    await vi.waitFor(() => expect(listener.words).toContain('+7002'), soon);
  });

  it('refuses a swarm that is served no more, to those it is not served to, and lets their peers go', async () => {
    const served = await serve({ grace: 50 });
    const [first, second] = [await join(served, 7001), await join(served, 7002, { zone: 'other' })];
    const check = ({ zone }: Asking) => {
      if (zone === 'other') throw new RefusedError('not-served', 'no more');
    };
    served.service.recheck(infoHash(hashOf(2)), check);
    served.service.recheck(infoHash(hashOf(1)), check);
    await vi.waitFor(() => expect(second.refusals).toHaveLength(1), soon);
    expect(second.refusals[0]).toMatchObject({ code: status.PERMISSION_DENIED, reason: 'no more' });
    await hears(first, ['=0', '+7002', '-7002']);
    expect(first.refusals).toEqual([]);
    expect(await counts(served)).toEqual([0, 1]);
  });

  it('ends the stream of who sends no info hash', async () => {
    const served = await serve();
    const listener = await join(served, 7001);
    listener.announce(announceOf(7001, { infoHash: Buffer.alloc(19) }));
    await vi.waitFor(() => expect(listener.status).toBe(status.INVALID_ARGUMENT), soon);
    expect(listener.details).toBe('announce.info_hash: has 19 bytes, 20 are needed');
  });

  it('moves a peer that listens elsewhere', async () => {
    const served = await serve();
    const listener = await join(served, 7001);
    const moving = await join(served, 7002);
    moving.announce(announceOf(7003));
    await hears(listener, ['=0', '+7002', '+7003', '-7002']);
    expect(await counts(served)).toEqual([0, 2]);
  });

  it('does 10,000 swarms on one stream', async () => {
    const served = await serve();
    const listener = new Listener(served.client());
    for (let n = 0; n < 10_001; n++) {
      const hash = Buffer.alloc(20);
      hash.writeUInt32BE(n);
      listener.announce(announceOf(7001, { infoHash: hash }));
    }
    await vi.waitFor(() => expect(listener.words).toHaveLength(10_001), { ...soon, timeout: 20_000 });
    expect(listener.refusals.map(({ code }) => code)).toEqual([status.RESOURCE_EXHAUSTED]);
    expect(served.service.figures).toMatchObject({ sessions: 1, sessionSwarms: 10_000 });
    expect(await served.store.totals()).toMatchObject({ swarms: 10_000, leechers: 10_000 });
    listener.stream.cancel();
    await vi.waitFor(() => expect(served.service.figures.departing).toBe(10_000), soon);
    expect(served.service.figures).toMatchObject({ sessionSwarms: 0, watchedSwarms: 0 });
  });
});

describe('the end of a session', () => {
  it('keeps its peers for a while, and lets them go then', async () => {
    const served = await serve({ grace: 300 });
    const listener = await join(served, 7001);
    const lost = await join(served, 7002);
    const since = performance.now();
    lost.stream.cancel();
    await vi.waitFor(() => expect(served.service.figures).toMatchObject({ sessions: 1, departing: 1 }), soon);
    expect(await counts(served)).toEqual([0, 2]);
    await hears(listener, ['=0', '+7002', '-7002']);
    expect(performance.now() - since).toBeGreaterThan(295);
    expect(await counts(served)).toEqual([0, 1]);
    expect(await served.metric('sessions_ended_total{reason="lost"}')).toBe(1);
  });

  it('leaves a peer alone that has come back, even before its old stream was seen to end', async () => {
    const served = await serve({ grace: 50 });
    const listener = await join(served, 7001);
    const old = await join(served, 7002);
    await join(served, 7002);
    old.stream.cancel();
    await vi.waitFor(() => expect(served.service.figures.departing).toBe(1), soon);
    await vi.waitFor(() => expect(served.service.figures.departing).toBe(0), soon);
    await join(served, 7003);
    await hears(listener, ['=0', '+7002', '+7003']);
    expect(await counts(served)).toEqual([0, 3]);
  });

  it('is in good order where all has been stopped', async () => {
    const served = await serve();
    const leaving = await join(served, 7001);
    leaving.update(updateOf({ event: STOPPED }));
    leaving.stream.end();
    await vi.waitFor(() => expect(leaving.status).toBe(status.OK), soon);
    expect(await counts(served)).toEqual([0, 0]);
    expect(served.service.figures).toMatchObject({ sessions: 0, departing: 0, watchedSwarms: 0 });
    expect(await served.metric('sessions_ended_total{reason="ended"}')).toBe(1);
  });

  it('is told before this tracker goes away, each in its turn', async () => {
    const served = await serve({ grace: 20 });
    const listeners = await Promise.all([1, 2, 3].map((port) => join(served, 7000 + port)));
    await served.service.close(5000);
    await vi.waitFor(() => expect(listeners.map((one) => one.status)).toEqual([0, 0, 0]), soon);
    expect(listeners.map(({ sentAway }) => sentAway)).toEqual([0, 1, 2]);
    const late = new Listener(served.client());
    late.announce(announceOf(7009));
    await vi.waitFor(() => expect(late.status).toBe(status.UNAVAILABLE), soon);
  });

  it('waits for those who come back elsewhere before it takes the others out of a store that is shared', async () => {
    const one = await serve({ storeOutlives: true, grace: 400 });
    const other = await serve({ store: one.store });
    await join(one, 7001);
    await join(one, 7002);
    const closing = one.service.close(5000);
    await join(other, 7002);
    expect(await counts(one)).toEqual([0, 2]);
    await closing;
    expect(await counts(one)).toEqual([0, 1]);
  });
});

describe('an open session', () => {
  it('keeps its peers in the store although they say nothing', async () => {
    const served = await serve({ interval: 100 });
    await join(served, 7001, { left: 0 });
    // Four times what the store would keep it for.
    await vi.waitFor(
      async () => expect(await served.metric('session_peers_refreshed_total')).toBeGreaterThan(6),
      soon,
    );
    expect(await counts(served)).toEqual([1, 0]);
  });

  it('brings its peer back where the store has lost it', async () => {
    const served = await serve();
    const listener = await join(served, 7001);
    await join(served, 7002);
    const address = Uint8Array.of(127, 0, 0, 1);
    await served.store.announce({
      infoHash: infoHash(hashOf(1)),
      peerId: announceOf(7002).peerId as never,
      address,
      port: 7002,
      role: 'gone',
      left: 0,
      completed: false,
      zone: '',
      node: '',
      pixwire: false,
      numWant: 0,
      families: 'both',
      details: false,
    });
    await hears(listener, ['=0', '+7002', '-7002', '+7002']);
    expect(await counts(served)).toEqual([0, 2]);
  });

  it('is told nothing more while it does not read, and is ended then; the others go on', async () => {
    const served = await serve({ maxUnread: 4096, maxStall: 300 });
    const listener = await join(served, 7001);
    const deaf = await join(served, 7002, { peerId: Buffer.alloc(20, 2) });
    deaf.stream.pause();
    const busy = new Listener(served.client());
    let n = 0;
    // Each round is a change of its own, until the buffers between here and there are full.
    await vi.waitFor(
      async () => {
        for (let i = 0; i < 200; i++) busy.announce(announceOf(10_000 + (n++ % 50_000)));
        expect(await served.metric('session_pushes_dropped_total')).toBeGreaterThan(0);
      },
      { timeout: 20_000, interval: 5 },
    );
    await vi.waitFor(
      async () => expect(await served.metric('sessions_ended_total{reason="slow"}')).toBe(1),
      soon,
    );
    deaf.stream.resume();
    await vi.waitFor(() => expect(deaf.status).toBe(status.ABORTED), soon);
    await join(served, 7003);
    await vi.waitFor(() => expect(listener.words).toContain('+7003'), soon);
  });
});
