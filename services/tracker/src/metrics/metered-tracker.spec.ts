import type { Clock, InfoHash, PeerId } from '@pixtorrent/core';
import { Metrics } from '@pixtorrent/service-kit';
import { type Asking, PeerStoreError, RefusedError, type TrackerLogic } from '@pixtorrent/tracker';
import type { AnnounceRequest } from '@pixtorrent/tracker-protocol';
import { expect, it } from 'vitest';
import { MeteredTracker } from './metered-tracker.ts';
import { TrackerMetrics } from './tracker-metrics.ts';

const REQUEST: AnnounceRequest = {
  infoHash: new Uint8Array(20) as InfoHash,
  peerId: new Uint8Array(20) as PeerId,
  port: 1,
  uploaded: 0,
  downloaded: 0,
  left: 0,
};
const NOTHING = new Uint8Array(0);
const ANSWER = {
  interval: 1,
  minInterval: 1,
  seeders: 0,
  leechers: 0,
  peers: { v4: NOTHING, v6: NOTHING, ids: NOTHING, traits: NOTHING },
};
const ASKING: Asking = { frontend: 'udp', address: new Uint8Array(4), families: 'own', details: false };

it('counts what is refused by its reason and passes it on, and times what it takes', async () => {
  const metrics = new Metrics('sample');
  let now = 0;
  let refusing = false;
  const clock: Clock = { now: () => now };
  const failures: unknown[] = [
    new RefusedError('wrong-key', 'no'),
    new PeerStoreError('full', 'no'),
    new TypeError('a fault'),
  ];
  const logic: TrackerLogic = {
    announce: async () => {
      now += 4;
      throw failures[0];
    },
    scrape: async () => [],
  };
  const metered = new MeteredTracker(logic, new TrackerMetrics(metrics), clock);
  for (; failures.length > 0; failures.shift())
    await expect(metered.announce({ ...REQUEST, event: 'stopped' }, ASKING)).rejects.toBe(failures[0]);
  expect(await metered.scrape([], ASKING)).toEqual([]);
  logic.announce = () => {
    now += 4;
    if (refusing) throw new RefusedError('not-served', 'no');
    return ANSWER;
  };
  expect(metered.announce(REQUEST, ASKING)).toBe(ANSWER);
  refusing = true;
  expect(() => metered.announce(REQUEST, ASKING)).toThrow(RefusedError);
  const text = await metrics.read();
  expect(text).toContain('announces_total{frontend="udp",event="none",result="ok"} 1\n');
  expect(text).toContain('announces_total{frontend="udp",event="none",result="not-served"} 1\n');
  for (const result of ['wrong-key', 'full', 'fault'])
    expect(text).toContain(`announces_total{frontend="udp",event="stopped",result="${result}"} 1\n`);
  expect(text).toContain('scrapes_total{frontend="udp",result="ok"} 1\n');
  expect(text).toContain('announce_seconds_bucket{le="0.0025",frontend="udp"} 0\n');
  expect(text).toContain('announce_seconds_bucket{le="0.005",frontend="udp"} 5\n');
  expect(text).toContain('announce_seconds_sum{frontend="udp"} 0.02\n');
});
