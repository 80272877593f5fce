import { type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { tracker } from '@pixtorrent/contracts';
import { describe, expect, it, vi } from 'vitest';
import { freePort } from '../support/ports.ts';
import { Process, run } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';
import { type Scope, scoped } from '../support/scope.ts';
import { startTrackerService, type TrackerService } from '../support/tracker-service.ts';

const HOST = '127.0.0.1';
const HASH = Buffer.alloc(20, 7);
const soon = { timeout: 30_000, interval: 5 };
const STARTED = tracker.AnnounceEvent.ANNOUNCE_EVENT_STARTED;
const STOPPED = tracker.AnnounceEvent.ANNOUNCE_EVENT_STOPPED;

/** A peer with a stream of its own, and what it was told: `=1` for an answer with so many peers, `+1` and `-1` for ports. */
class Peer {
  readonly words: string[] = [];
  readonly port: number;
  readonly #client: tracker.TrackerServiceClient;
  readonly #stream: ClientDuplexStream<tracker.SessionRequest, tracker.SessionResponse>;

  constructor(scope: Scope, { grpc }: Pick<TrackerService, 'grpc'>, port: number) {
    this.port = port;
    this.#client = new tracker.TrackerServiceClient(`${HOST}:${grpc}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    scope.defer(() => this.vanish());
    this.#stream = this.#client.session();
    this.#stream.on('error', () => {});
    this.#stream.on('data', ({ message }: tracker.SessionResponse) => {
      if (message?.$case === 'answer') this.words.push(`=${message.answer.response!.peers.length}`);
      if (message?.$case !== 'change') return;
      this.words.push(...message.change.joined.map((peer) => `+${peer.port}`));
      this.words.push(...message.change.left.map((peer) => `-${peer.port}`));
    });
  }

  async join(left = 1): Promise<this> {
    const peerId = Buffer.from(`-IT0001-${String(this.port).padStart(12, '0')}`, 'latin1');
    const labels = { zone: '', node: '', pixwire: true, stalled: false, announceKey: '' };
    const figures = { uploaded: 0, downloaded: 0, left, event: STARTED, numWant: undefined };
    const address = Buffer.alloc(0);
    const announce = { infoHash: HASH, peerId, port: this.port, address, ...figures, ...labels };
    this.#stream.write({ message: { $case: 'announce', announce } });
    await vi.waitFor(() => expect(this.words[0]).toMatch(/^=/), soon);
    return this;
  }

  stop(): void {
    const figures = { uploaded: 0, downloaded: 0, left: 1, numWant: undefined, stalled: false };
    const update = { infoHash: HASH, ...figures, event: STOPPED };
    this.#stream.write({ message: { $case: 'update', update } });
  }

  /** As a process that was killed. */
  vanish(): void {
    this.#stream.cancel();
    this.#client.close();
  }

  hears(words: readonly string[]): Promise<void> {
    return vi.waitFor(() => expect(this.words).toEqual(words), soon);
  }
}

async function metric({ ops }: TrackerService, name: string): Promise<number> {
  const text = await (await fetch(`http://${HOST}:${ops}/metrics`)).text();
  return Number(new RegExp(`^pixtorrent_tracker_${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
}

async function scrape(scope: Scope, { grpc }: TrackerService): Promise<[number, number]> {
  const client = new tracker.TrackerServiceClient(`${HOST}:${grpc}`, credentials.createInsecure());
  scope.defer(() => client.close());
  const { seeders, leechers } = await new Promise<tracker.SwarmCounts>((resolve, reject) => {
    client.scrape({ infoHashes: [HASH], announceKey: '' }, (error, response) =>
      error ? reject(error) : resolve(response.swarms[0]!),
    );
  });
  return [seeders, leechers];
}

async function twoReplicas(scope: Scope) {
  const port = await freePort();
  const settings = ['--port', String(port), '--bind', HOST, '--save', '', '--appendonly', 'no'];
  const redis = await Process.start(scope, 'redis-server', ['redis-server', ...settings]);
  await redis.line('Redis', (line) => line.includes('Ready to accept connections'), 60);
  const env = { TRACKER_STORE: 'redis', REDIS_URL: `redis://${HOST}:${port}` };
  const [one, other] = [await startTrackerService(scope, { env }), await startTrackerService(scope, { env })];
  return { one, other, redis: (...command: string[]) => run(['redis-cli', '-p', String(port), ...command]) };
}

describe.runIf(requirement('redis'))('sessions at two replicas', () => {
  it('tell of who comes and goes at the other', () =>
    scoped(async (scope) => {
      const { one, other } = await twoReplicas(scope);
      const first = await new Peer(scope, one, 1).join();
      const second = await new Peer(scope, other, 2).join();
      await first.hears(['=0', '+2']);
      const third = await new Peer(scope, one, 3).join(0);
      await second.hears(['=1', '+3']);
      third.stop();
      await second.hears(['=1', '+3', '-3']);
      await first.hears(['=0', '+2', '+3', '-3']);
      expect(await scrape(scope, other)).toEqual([0, 2]);
    }));

  it('keep a peer that comes back at the other, and let go of one that does not', () =>
    scoped(async (scope) => {
      const { one, other } = await twoReplicas(scope);
      const watcher = await new Peer(scope, other, 1).join();
      const moving = await new Peer(scope, one, 2).join();
      const lost = await new Peer(scope, one, 3).join();
      await watcher.hears(['=0', '+2', '+3']);
      const since = performance.now();
      moving.vanish();
      lost.vanish();
      await vi.waitFor(async () => expect(await metric(one, 'session_departing_peers')).toBe(2), soon);
      await new Peer(scope, other, 2).join();
      await watcher.hears(['=0', '+2', '+3', '-3']);
      expect(performance.now() - since).toBeGreaterThan(4900);
      await vi.waitFor(async () => expect(await metric(one, 'session_departing_peers')).toBe(0), soon);
      expect(await scrape(scope, one)).toEqual([0, 2]);
    }));

  it('lose nobody when one of them ends', () =>
    scoped(async (scope) => {
      const { one, other } = await twoReplicas(scope);
      const watcher = await new Peer(scope, other, 1).join();
      await new Peer(scope, one, 2).join();
      await new Peer(scope, one, 3).join();
      await watcher.hears(['=0', '+2', '+3']);
      one.process.signal('SIGTERM');
      // It comes back elsewhere, as it is told to; the other does not.
      await new Peer(scope, other, 2).join();
      expect(await one.process.exit(30)).toEqual({ code: 0, signal: null });
      await watcher.hears(['=0', '+2', '+3', '-3']);
      expect(await scrape(scope, other)).toEqual([0, 2]);
    }));

  it('bring their peers back into a Redis that has lost everything', () =>
    scoped(async (scope) => {
      const { one, other, redis } = await twoReplicas(scope);
      for (const port of [1, 2]) await new Peer(scope, one, port).join();
      const last = await new Peer(scope, other, 3).join(0);
      expect(await scrape(scope, one)).toEqual([1, 2]);
      await redis('FLUSHALL');
      await vi.waitFor(async () => expect(await scrape(scope, other)).toEqual([1, 2]), soon);
      const late = await new Peer(scope, one, 4).join();
      expect(late.words[0]).toBe('=3');
      await vi.waitFor(() => expect(last.words.at(-1)).toBe('+4'), soon);
    }));
});
