import { SeededRandom } from '@pixtorrent/core';
import { describe, expect, it } from 'vitest';
import { OK, PEER, SECOND, setUp } from './fixtures/staged-announcer.ts';
import { TrackerTiers } from './tracker-tiers.ts';

describe('TrackerAnnouncer', () => {
  it("says started, then asks at the tracker's interval, and passes the peers on", async () => {
    const { time, announcer, asked, log, peers, statuses, figures } = setUp([['a']]);
    announcer.start();
    announcer.start();
    await time.pass(0);
    expect(peers).toEqual([PEER]);
    expect(statuses.at(-1)).toEqual(['a', { type: 'working', peers: 1, nextAnnounceSeconds: 1800 }]);
    figures.left = 7;
    await time.pass(3700 * SECOND);
    expect(asked.map(({ request }) => request.left)).toEqual([100, 7, 7]);
    const key = asked[0]!.request.key;
    expect(asked.every(({ request }) => request.key === key && request.numWant === 50)).toBe(true);
    expect(log()).toEqual(['0 a started', '1800 a -', '3600 a -']);
  });

  it('asks sooner when peers are wanted, but never within the minimum', async () => {
    const { time, announcer, answers, log } = setUp([['a']]);
    announcer.start();
    await time.pass(0);
    for (let i = 0; i < 20; i++) {
      announcer.needPeers();
      await time.pass(SECOND);
    }
    expect(log()).toEqual(['0 a started']);
    await time.pass(100 * SECOND);
    expect(log()).toEqual(['30 a -']);
    announcer.needPeers();
    await time.pass(0);
    expect(log()).toEqual(['120 a -']);
    answers.set('a', { interval: 1800, peers: [] });
    await time.pass(1800 * SECOND);
    announcer.needPeers();
    await time.pass(59 * SECOND);
    expect(log()).toEqual(['1920 a -']);
    await time.pass(SECOND);
    expect(log()).toEqual(['1980 a -']);
  });

  it('says completed at once, and once', async () => {
    const { time, announcer, log } = setUp([['a']]);
    announcer.start();
    await time.pass(10 * SECOND);
    announcer.completed();
    await time.pass(2000 * SECOND);
    expect(log()).toEqual(['0 a started', '10 a completed', '1810 a -']);
  });

  it('says completed after started where both came together, and after an outage', async () => {
    const { time, announcer, answers, log } = setUp([['a']]);
    announcer.start();
    announcer.completed();
    await time.pass(0);
    expect(log()).toEqual(['0 a started', '0 a completed']);

    const other = setUp([['a']]);
    other.announcer.start();
    await other.time.pass(0);
    other.answers.set('a', 'fails');
    other.announcer.completed();
    await other.time.pass(0);
    other.answers.set('a', OK);
    await other.time.pass(20 * SECOND);
    expect(other.log().map((line) => line.split(' ')[2])).toEqual(['started', 'completed', 'completed']);
    expect(answers.size).toBe(0);
  });

  it('goes to the next tier only when a whole tier fails, and returns to what works', async () => {
    const { time, announcer, answers, log } = setUp([['a', 'b', 'c'], ['d']]);
    for (const url of ['a', 'b', 'c']) answers.set(url, 'fails');
    announcer.start();
    await time.pass(0);
    const first = log();
    expect(first.slice(0, 3).sort()).toEqual(['0 a started', '0 b started', '0 c started']);
    expect(first[3]).toBe('0 d started');
    const last = first[2]!.split(' ')[1]!;
    answers.set(last, OK);
    await time.pass(1800 * SECOND);
    expect(log().at(-1)).toBe(`1800 ${last} started`);
    for (const url of ['a', 'b', 'c']) answers.set(url, OK);
    await time.pass(1800 * SECOND);
    expect(log()).toEqual([`3600 ${last} -`]);
  });

  it('shuffles within a tier, so that a swarm does not lean on one tracker', () => {
    const first = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const tiers = new TrackerTiers(
        [
          ['a', 'b', 'c', 'a'],
          ['d', 'a'],
        ],
        new SeededRandom(seed),
      );
      const order = tiers.inOrder().map(({ url }) => url);
      expect([...order].sort()).toEqual(['a', 'b', 'c', 'd']);
      expect(order[3]).toBe('d');
      first.add(order[0]!);
    }
    expect(first.size).toBe(3);
  });

  it('backs off while nobody answers, up to a bound, and recovers', async () => {
    const { time, announcer, answers, asked, log, statuses } = setUp([['a']]);
    answers.set('a', 'fails');
    announcer.start();
    for (let i = 0; i < 3600; i++) {
      await time.pass(SECOND);
      announcer.needPeers();
    }
    const waits = asked.map(({ at }, i) => at - (asked[i - 1]?.at ?? 0)).slice(1);
    waits.forEach((wait, i) => {
      const full = Math.min(5 * 2 ** i, 300);
      expect(wait).toBeGreaterThanOrEqual(full / 2 - 0.01);
      expect(wait).toBeLessThanOrEqual(full);
    });
    expect(waits.length).toBeGreaterThan(12);
    expect(waits.some((wait) => wait % 5 !== 0)).toBe(true);
    expect(statuses.at(-1)).toEqual(['a', { type: 'failed', code: 'unreachable', message: 'down' }]);
    log();
    answers.set('a', OK);
    await time.pass(300 * SECOND);
    expect(log().map((line) => line.slice(5))).toEqual(['a started']);
    answers.set('a', 'fails');
    await time.pass(1700 * SECOND);
    expect(log().length).toBeLessThanOrEqual(7);
  });

  it('returns the tracker ID to the tracker that gave it', async () => {
    const { time, announcer, answers, asked } = setUp([['a'], ['b']]);
    answers.set('a', { ...OK, trackerId: 'x1' });
    announcer.start();
    await time.pass(0);
    answers.set('a', OK);
    await time.pass(1800 * SECOND);
    answers.set('a', 'fails');
    await time.pass(1800 * SECOND);
    expect(asked.map(({ request }) => request.trackerId)).toEqual([undefined, 'x1', 'x1', undefined]);
  });

  it('says stopped to each tracker that knows of it, and only to those', async () => {
    const { time, announcer, answers, asked, log } = setUp([['a'], ['b'], ['c']]);
    announcer.start();
    await time.pass(0);
    answers.set('a', 'fails');
    await time.pass(1800 * SECOND);
    log();
    const stopped = announcer.stop();
    expect(announcer.stop()).toBe(stopped);
    expect(asked.map(({ request, options }) => [request.numWant, options.timeoutMs])).toEqual([
      [0, 3000],
      [0, 3000],
    ]);
    await stopped;
    expect(log()).toEqual(['1800 a stopped', '1800 b stopped']);
    announcer.needPeers();
    announcer.completed();
    announcer.start();
    await time.pass(10_000 * SECOND);
    expect(log()).toEqual([]);
    expect(time.waiting).toBe(0);
  });

  it('says that it is complete also where it stops in the same moment, to the tracker that counts it', async () => {
    const { time, announcer, answers, log } = setUp([['a'], ['b']]);
    announcer.start();
    await time.pass(0);
    answers.set('a', 'fails');
    await time.pass(1800 * SECOND);
    log();
    announcer.completed();
    await announcer.stop();
    expect(log().sort()).toEqual(['1800 a stopped', '1800 b completed', '1800 b stopped']);
  });

  it('stops in the middle of an announce, and waits only so long for a farewell', async () => {
    const { time, announcer, answers, log, peers, cancelled } = setUp([['a'], ['b']]);
    answers.set('a', 'hangs');
    announcer.start();
    await time.pass(SECOND);
    let ended = false;
    void announcer.stop().then(() => {
      ended = true;
    });
    await time.pass(2999);
    expect(cancelled()).toBe(1);
    expect(ended).toBe(false);
    await time.pass(1);
    expect(ended).toBe(true);
    expect(cancelled()).toBe(2);
    expect(log()).toEqual(['0 a started', '1 a stopped']);
    expect(peers).toEqual([]);
    expect(time.waiting).toBe(0);
  });

  it('does nothing where there is no tracker, or where it never began', async () => {
    const { time, announcer, log } = setUp([[], []]);
    announcer.start();
    announcer.needPeers();
    announcer.completed();
    await time.pass(1000 * SECOND);
    await announcer.stop();
    const never = setUp([['a']]);
    await never.announcer.stop();
    never.announcer.start();
    await never.time.pass(SECOND);
    expect([...log(), ...never.log()]).toEqual([]);
  });
});
