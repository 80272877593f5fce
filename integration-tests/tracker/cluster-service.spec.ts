import { credentials, type ServiceError, status } from '@grpc/grpc-js';
import { RedisNodeStore, Roster } from '@pixtorrent/cluster';
import { descriptors, cluster as wire } from '@pixtorrent/contracts';
import { SeededRandom, silentLogger } from '@pixtorrent/core';
import { GrpcServer, Metrics, systemTimers, wallClock } from '@pixtorrent/service-kit';
import { ClusterMetrics, clusterService } from '@pixtorrent/tracker-service';
import { describe, expect, it, vi } from 'vitest';
import { RedisServer } from '../support/redis-server.ts';
import { requirement } from '../support/requirement.ts';
import { type Scope, scoped } from '../support/scope.ts';

const PATIENCE = { timeout: 30_000, interval: 10 };
const GOOD_FOR = 3000;

const READY: wire.Node = {
  name: '',
  state: wire.NodeState.NODE_STATE_READY,
  ...{ zone: '', machine: '', grpcAddress: '', httpAddress: '', peerAddress: '10.0.0.1:6881' },
  ...{ diskBudget: 0, diskUsed: 0, holdings: [], sinceMs: 1 },
};

/** A service over Redis with everything of its own, and a client of it. */
async function replica(scope: Scope, redis: RedisServer) {
  const dependencies = { timers: systemTimers, logger: silentLogger };
  const client = await redis.connected(scope);
  const store = new RedisNodeStore({ client, ...dependencies }, { sweepInterval: 200, longestPause: 1000 });
  const roster = new Roster(
    { store, random: new SeededRandom(1), ...dependencies },
    { goodFor: GOOD_FOR, longestPause: 300 },
  );
  const metrics = new ClusterMetrics(new Metrics('sample'));
  const service = clusterService({ roster, wallClock, metrics, ...dependencies });
  const server = await GrpcServer.listen({ host: '127.0.0.1', port: 0, services: [service], descriptors });
  const caller = new wire.ClusterServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
  scope.defer(() => store.close());
  scope.defer(() => roster.close());
  scope.defer(() => server.drain(100));
  scope.defer(() => service.close());
  scope.defer(() => caller.close());
  return { caller, roster };
}

/** A node that says how it is three times in the time that it is good for. */
function register(scope: Scope, caller: wire.ClusterServiceClient, name: string) {
  const told: { answers: number; error?: ServiceError } = { answers: 0 };
  const call = caller.register();
  const say = (): void => {
    call.write({ node: { ...READY, name }, leaving: false });
  };
  const timer = setInterval(say, GOOD_FOR / 3);
  say();
  call.on('data', () => told.answers++);
  call.on('error', (error) => {
    told.error = error as ServiceError;
    clearInterval(timer);
  });
  const stop = (): void => {
    clearInterval(timer);
    call.cancel();
  };
  scope.defer(stop);
  return { told, stop, leave: () => call.write({ node: undefined, leaving: true }) };
}

/** What a watcher is told, in words. */
function watch(scope: Scope, caller: wire.ClusterServiceClient): string[] {
  const words: string[] = [];
  const call = caller.watchNodes({ holdings: false });
  call.on('data', ({ event }: wire.WatchNodesResponse) => {
    if (event?.$case === 'node') words.push(event.node.name);
    else words.push(event?.$case === 'gone' ? `-${event.gone}` : 'synced');
  });
  call.on('error', () => {});
  scope.defer(() => call.cancel());
  return words;
}

describe.runIf(requirement('redis'))('the cluster of two trackers over one Redis', () => {
  it('is the same at both: who comes, who leaves, who is lost, and who comes back through the other', () =>
    scoped(async (scope) => {
      const redis = await RedisServer.create(scope);
      await redis.start();
      const [one, other] = [await replica(scope, redis), await replica(scope, redis)];
      const a = register(scope, one.caller, 'a');
      await vi.waitFor(() => expect(a.told.answers).toBe(1), PATIENCE);
      const watchers = [watch(scope, one.caller), watch(scope, other.caller)];
      const tells = async (words: string[]) => {
        for (const told of watchers) await vi.waitFor(() => expect(told).toEqual(words), PATIENCE);
      };
      await tells(['a', 'synced']);
      const b = register(scope, other.caller, 'b');
      await tells(['a', 'synced', 'b']);
      // It comes back elsewhere before its first stream has said anything more.
      const again = register(scope, other.caller, 'a');
      await vi.waitFor(() => expect(a.told.error?.code).toBe(status.ABORTED), PATIENCE);
      expect(again.told.error).toBeUndefined();
      b.leave();
      await tells(['a', 'synced', 'b', '-b']);
      again.stop();
      await tells(['a', 'synced', 'b', '-b', '-a']);
    }));

  it('loses nobody while Redis is away for longer than nodes are good for, and comes back empty', () =>
    scoped(async (scope) => {
      const redis = await RedisServer.create(scope);
      await redis.start();
      const [one, other] = [await replica(scope, redis), await replica(scope, redis)];
      const nodes = [register(scope, one.caller, 'a'), register(scope, other.caller, 'b')];
      const watchers = [watch(scope, one.caller), watch(scope, other.caller)];
      for (const told of watchers)
        await vi.waitFor(() => expect([...told].sort()).toEqual(['a', 'b', 'synced']), PATIENCE);
      await redis.kill();
      const before = nodes.map(({ told }) => told.answers);
      const gone = register(scope, one.caller, 'brief');
      await vi.waitFor(() => expect(gone.told.answers).toBe(1), PATIENCE);
      gone.stop();
      await vi.waitFor(() => expect(watchers[0]).toContain('-brief'), PATIENCE);
      for (const [i, { told }] of nodes.entries())
        await vi.waitFor(() => expect(told.answers).toBeGreaterThanOrEqual(before[i]! + 3), PATIENCE);
      await redis.start();
      const late = register(scope, one.caller, 'late');
      for (const told of watchers) await vi.waitFor(() => expect(told).toContain('late'), PATIENCE);
      await vi.waitFor(
        () => expect([one.roster.stale, other.roster.stale]).toEqual([false, false]),
        PATIENCE,
      );
      const answered = late.told.answers;
      await vi.waitFor(() => expect(late.told.answers).toBeGreaterThan(answered + 4), PATIENCE);
      for (const told of watchers) {
        expect(told.filter((word) => word.startsWith('-') && word !== '-brief')).toEqual([]);
        expect(told.filter((word) => word === 'a' || word === 'b').sort()).toEqual(['a', 'b']);
      }
      for (const { told } of nodes) expect(told.error).toBeUndefined();
    }));
});
