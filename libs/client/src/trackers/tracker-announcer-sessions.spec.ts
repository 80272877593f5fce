import type { TrackerPeer } from '@pixtorrent/tracker-protocol';
import { describe, expect, it } from 'vitest';
import { OK, PEER, SECOND, setUp } from './fixtures/staged-announcer.ts';

const SESSION = 'grpc://a:1';
const OTHER: TrackerPeer = { host: '192.0.2.2', port: 6881, pixwire: true };

describe('TrackerAnnouncer with a tracker that keeps sessions', () => {
  it('passes on who joins, and keeps the figures true without asking for peers', async () => {
    const { time, announcer, sessions, asked, log, peers, statuses, figures } = setUp([[SESSION]]);
    announcer.start();
    await time.pass(SECOND);
    expect(asked[0]).toMatchObject({
      request: { event: 'started', numWant: 50 },
      options: { pixwire: true },
    });
    sessions.get(SESSION)!.listener.joined([OTHER]);
    expect(peers).toEqual([PEER, OTHER]);
    const said = statuses.length;
    figures.left = 7;
    await time.pass(1800 * SECOND);
    expect(asked[1]!.request).toMatchObject({ left: 7, numWant: 0 });
    expect(log()).toEqual([`0 ${SESSION} started`, `1800 ${SESSION} -`]);
    expect(peers).toEqual([PEER, OTHER]);
    expect(statuses).toHaveLength(said);
    announcer.completed();
    await time.pass(0);
    expect(log()).toEqual([`1801 ${SESSION} completed`]);
    await announcer.stop();
    sessions.get(SESSION)!.listener.joined([OTHER]);
    expect(log()).toEqual([`1801 ${SESSION} stopped`]);
    expect(peers).toHaveLength(2);
    expect(time.waiting).toBe(0);
  });

  it('asks it for peers where there are too few, and says where those give nothing', async () => {
    const { time, announcer, asked } = setUp([[SESSION]], { pixwire: false });
    announcer.start();
    await time.pass(SECOND);
    announcer.needPeers();
    await time.pass(60 * SECOND);
    announcer.needPeers(true);
    await time.pass(60 * SECOND);
    await time.pass(1800 * SECOND);
    const told = asked.map(({ request: { numWant }, options: { stalled, pixwire } }) => [
      numWant,
      stalled,
      pixwire,
    ]);
    expect(told).toEqual([
      [50, false, false],
      [50, false, false],
      [50, true, false],
      [0, false, false],
    ]);
  });

  it('comes back within two seconds when its session is lost, at another moment than others do', async () => {
    const { time, announcer, hangUp, asked, statuses, peers } = setUp([[SESSION], ['b']]);
    announcer.start();
    const waits: number[] = [];
    for (let i = 0; i < 20; i++) {
      await time.pass(100 * SECOND);
      const lostAt = time.now() / SECOND;
      hangUp(SESSION);
      expect(statuses.at(-1)).toEqual([
        SESSION,
        { type: 'failed', code: 'unreachable', message: 'the session has ended' },
      ]);
      peers.length = 0;
      await time.pass(2 * SECOND);
      expect(asked.at(-1)).toMatchObject({ url: SESSION, request: { numWant: 50 } });
      expect(peers).toEqual([PEER]);
      waits.push(asked.at(-1)!.at - lostAt);
    }
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...waits)).toBeLessThan(2);
    expect(Math.max(...waits)).toBeGreaterThan(1.5);
    expect(Math.min(...waits)).toBeLessThan(0.5);
    expect(new Set(asked.map(({ url }) => url))).toEqual(new Set([SESSION]));
  });

  it('goes elsewhere when it is told to, after the time that it was told', async () => {
    const { time, announcer, hangUp, asked } = setUp([[SESSION]]);
    announcer.start();
    await time.pass(100 * SECOND);
    hangUp(SESSION, 3000);
    await time.pass(2999);
    expect(asked).toHaveLength(1);
    await time.pass(2001);
    expect(asked).toHaveLength(2);
    await time.pass(100 * SECOND);
    hangUp(SESSION, 2 ** 32 - 1);
    await time.pass(62 * SECOND);
    expect(asked).toHaveLength(3);
  });

  it('falls back to the next tracker while it is gone, and returns as soon as it is there again', async () => {
    const { time, announcer, answers, hangUp, asked, log, statuses } = setUp([[SESSION], ['b']]);
    announcer.start();
    await time.pass(100 * SECOND);
    answers.set(SESSION, 'fails');
    log();
    hangUp(SESSION);
    await time.pass(2 * SECOND);
    expect(log().map((line) => line.split(' ').slice(1))).toEqual([
      [SESSION, '-'],
      ['b', 'started'],
    ]);
    await time.pass(600 * SECOND);
    const tries = asked.map(({ at }) => at);
    expect(asked.every(({ url }) => url === SESSION)).toBe(true);
    expect(tries.length).toBeGreaterThan(4);
    expect(tries.length).toBeLessThan(12);
    expect(statuses.findLast(([url]) => url === 'b')![1]).toMatchObject({ type: 'working' });
    answers.delete(SESSION);
    log();
    await time.pass(300 * SECOND);
    expect(log().map((line) => line.split(' ').slice(1))).toEqual([[SESSION, '-']]);
    await time.pass(3600 * SECOND);
    expect(new Set(log().map((line) => line.split(' ')[1]))).toEqual(new Set([SESSION]));
    const stopped = announcer.stop();
    expect(log().map((line) => line.split(' ').slice(1))).toEqual([
      [SESSION, 'stopped'],
      ['b', 'stopped'],
    ]);
    await stopped;
  });

  it('finds a tracker that was not there at the start, and keeps to the interval of the one that was', async () => {
    const { time, announcer, answers, log } = setUp([[SESSION], ['b']]);
    answers.set(SESSION, 'fails');
    announcer.start();
    await time.pass(3599 * SECOND);
    const lines = log();
    expect(lines.filter((line) => line.includes(' b '))).toEqual(['0 b started', '1800 b -']);
    expect(lines.filter((line) => line.includes(SESSION)).length).toBeGreaterThan(12);
    answers.set(SESSION, OK);
    await time.pass(301 * SECOND);
    expect(log().at(-1)).toMatch(/grpc:.* started$/);
  });

  it('says completed to the one that stands in, also while it tries the one that is gone', async () => {
    const { time, announcer, answers, asked, log } = setUp([[SESSION], ['b']]);
    answers.set(SESSION, 'fails');
    announcer.start();
    await time.pass(0);
    answers.set(SESSION, 'times out');
    log();
    while (asked.length === 0) await time.pass(SECOND);
    announcer.completed();
    await time.pass(16 * SECOND);
    expect(log().map((line) => line.split(' ').slice(1))).toEqual([
      [SESSION, 'started'],
      ['b', 'completed'],
    ]);
    answers.set(SESSION, OK);
    await time.pass(300 * SECOND);
    expect(log().map((line) => line.split(' ').slice(1))).toEqual([[SESSION, 'started']]);
  });

  it('does not let a tracker that accepts and hangs up have it ask all the time', async () => {
    for (const tiers of [[[SESSION]], [[SESSION], ['b']]]) {
      const { time, announcer, sessions, hangUp, asked } = setUp(tiers);
      announcer.start();
      for (let i = 0; i < 36_000; i++) {
        await time.pass(SECOND / 10);
        if (sessions.get(SESSION)?.alive) hangUp(SESSION, 0);
      }
      const asks = (url: string) => asked.filter((ask) => ask.url === url).length;
      expect(asks(SESSION)).toBeGreaterThan(12);
      expect(asks(SESSION)).toBeLessThan(32);
      if (tiers.length > 1) {
        expect(asks('b')).toBeGreaterThan(8);
        expect(asks('b')).toBeLessThan(32);
      }
      await announcer.stop();
    }
  });

  it('notices a session that ended before its answer was read, or during another announce', async () => {
    const gone = 'grpc://gone:1';
    const { time, announcer, answers, sessions, hangUp, asked } = setUp([[gone], [SESSION]]);
    answers.set(gone, 'fails');
    announcer.start();
    while (!sessions.get(SESSION)) await Promise.resolve();
    hangUp(SESSION);
    await time.pass(2 * SECOND);
    expect(asked.map(({ url }) => url)).toEqual([gone, SESSION, SESSION]);

    answers.set(gone, 'times out');
    while (asked.at(-1)!.url !== gone) await time.pass(SECOND);
    hangUp(SESSION);
    await time.pass(23 * SECOND);
    expect(asked.at(-1)!.url).toBe(SESSION);
    expect(sessions.get(SESSION)!.alive).toBe(true);
    await announcer.stop();
    await time.pass(15 * SECOND);
    expect(time.waiting).toBe(0);
  });
});
