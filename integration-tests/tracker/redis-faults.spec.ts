import { describe, expect, it } from 'vitest';
import { until } from '../support/processes.ts';
import { RedisServer } from '../support/redis-server.ts';
import { requirement } from '../support/requirement.ts';
import { type Scope, scoped } from '../support/scope.ts';
import { readiness, startTrackerService, type TrackerService } from '../support/tracker-service.ts';
import { SteadyAnnouncers } from './steady-announcers.ts';

const RATE = 1000;
/** Seconds of announces before, during and after a fault. */
const BEFORE = 2;
const DURING = 3;
const AFTER = 2;
/** Of patience, for machines that have more to do; one with nothing else takes less than ten. */
const EXACT_SECONDS = 10;

interface Fault {
  readonly name: string;
  begin(redis: RedisServer): Promise<void> | void;
  end(redis: RedisServer): Promise<void> | void;
}

const FAULTS: readonly Fault[] = [
  {
    name: 'killed and started again, empty',
    begin: (redis) => redis.kill(),
    end: (redis) => redis.start(),
  },
  {
    name: 'stopped by SIGSTOP for a while',
    begin: (redis) => redis.signal('SIGSTOP'),
    end: (redis) => redis.signal('SIGCONT'),
  },
  { name: 'flushed', begin: (redis) => flush(redis), end: () => {} },
  {
    name: 'restarted',
    begin: async (redis) => {
      await redis.stop();
      await redis.start();
    },
    end: () => {},
  },
];

describe.runIf(requirement('redis'))('two trackers over one Redis, at 1,000 announces a second', () => {
  for (const fault of FAULTS) {
    it(`answer every announce and count right again when it is ${fault.name}`, () =>
      scoped(async (scope) => {
        const redis = await RedisServer.create(scope);
        await redis.start();
        const trackers = [await trackerOver(scope, redis), await trackerOver(scope, redis)];
        const announcers = new SteadyAnnouncers(trackers.map(({ http }) => http));
        scope.defer(() => announcers.close());
        await announcers.allJoin();
        announcers.start(RATE);
        await passed(announcers, BEFORE);
        await fault.begin(redis);
        await passed(announcers, DURING);
        await fault.end(redis);
        await passed(announcers, AFTER);
        await announcers.stop();
        expect(announcers.problems).toEqual([]);
        for (const tracker of trackers.keys()) {
          await expect
            .poll(() => announcers.counted(tracker), { timeout: EXACT_SECONDS * 1000, interval: 100 })
            .toEqual(announcers.expected());
        }
        await allReady(trackers);
      }));
  }

  it('come up without it, say so, and tell it what they have learned when it comes', () =>
    scoped(async (scope) => {
      const redis = await RedisServer.create(scope);
      const trackers = [await trackerOver(scope, redis), await trackerOver(scope, redis)];
      for (const tracker of trackers) expect(await statusOf(tracker)).toBe('degraded');
      const announcers = new SteadyAnnouncers(trackers.map(({ http }) => http));
      scope.defer(() => announcers.close());
      await announcers.allJoin();
      await redis.start();
      for (const tracker of trackers.keys()) {
        await expect
          .poll(() => announcers.counted(tracker), { timeout: EXACT_SECONDS * 1000, interval: 100 })
          .toEqual(announcers.expected());
      }
      expect(announcers.problems).toEqual([]);
      await allReady(trackers);
    }));
});

async function flush(redis: RedisServer): Promise<void> {
  await redis.command('FLUSHALL');
}

function trackerOver(scope: Scope, redis: RedisServer): Promise<TrackerService> {
  return startTrackerService(scope, {
    env: { TRACKER_STORE: 'redis', REDIS_URL: `redis://127.0.0.1:${redis.port}` },
  });
}

async function statusOf(tracker: TrackerService): Promise<string> {
  const answer = (await (await readiness(tracker))?.json()) as { status: string } | undefined;
  return answer?.status ?? 'away';
}

/** The catalogue is looked for again in its own time. */
async function allReady(trackers: readonly TrackerService[]): Promise<void> {
  for (const tracker of trackers)
    await expect.poll(() => statusOf(tracker), { timeout: EXACT_SECONDS * 1000 }).toBe('ready');
}

/** Fulfilled when so many seconds' worth of announces have been sent. */
async function passed(announcers: SteadyAnnouncers, seconds: number): Promise<void> {
  const goal = announcers.sent + seconds * RATE;
  await until(
    seconds * 30,
    () => (announcers.sent >= goal ? true : undefined),
    () => new Error(`only ${announcers.sent} of ${goal} announces were sent`),
  );
}
