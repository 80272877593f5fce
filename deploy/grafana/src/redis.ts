import { board } from './board.ts';
import { heat, lines, stat } from './panels.ts';
import { datasource, instance, job, namespace } from './variables.ts';

const OF_TRACKERS = 'namespace=~"$namespace",job=~"$job",instance=~"$instance"';
const EMPTY = 'no tracker that uses Redis';

function rate(metric: string, by: string): string {
  return `sum by (${by}) (rate(pixtorrent_tracker_${metric}{${OF_TRACKERS}}[$__rate_interval]))`;
}

export const redis = board({
  uid: 'pixtorrent-redis',
  title: 'Redis',
  description: 'Redis as the replicas of the tracker see it, and what they do without it.',
  variables: [
    datasource(),
    namespace('pixtorrent_tracker_redis_up'),
    job('pixtorrent_tracker_redis_up'),
    instance('pixtorrent_tracker_redis_up'),
  ],
  rows: {
    Now: [
      stat({
        title: 'Replicas with Redis',
        description:
          'Part of the replicas that keep peers in Redis now. The others answer from their own memory.',
        unit: 'percentunit',
        queries: [[`avg(pixtorrent_tracker_redis_up{${OF_TRACKERS}})`]],
        empty: EMPTY,
        floors: [0.5, 1],
        width: 6,
      }),
      stat({
        title: 'Outages',
        description: 'Times in the last day that Redis went away or was too slow, as replicas counted it.',
        unit: 'short',
        queries: [[`sum(increase(pixtorrent_tracker_redis_outages_total{${OF_TRACKERS}}[1d]))`]],
        empty: EMPTY,
        limits: { orange: 1 },
        width: 6,
      }),
      stat({
        title: 'Peers to take away',
        description: 'Peers remembered as having left, for a Redis that comes back.',
        unit: 'short',
        queries: [[`sum(pixtorrent_tracker_redis_departures{${OF_TRACKERS}})`]],
        empty: EMPTY,
        limits: { orange: 1 },
        width: 6,
      }),
      stat({
        title: 'Slowest replica',
        description:
          '99th percentile of the time that Redis takes to do one thing with a swarm, at the slowest replica.',
        unit: 's',
        queries: [[`max(instance:pixtorrent_tracker_redis_seconds:p99_rate5m{${OF_TRACKERS}})`]],
        empty: EMPTY,
        limits: { orange: 0.05, red: 0.5 },
        width: 6,
      }),
    ],
    Redis: [
      lines({
        title: 'Whether replicas work with it',
        description: '1 while peers are kept in Redis, 0 while a replica answers from its own memory.',
        unit: 'none',
        queries: [[`pixtorrent_tracker_redis_up{${OF_TRACKERS}}`, '{{instance}}']],
        empty: EMPTY,
        min: 0,
        max: 1,
      }),
      lines({
        title: 'What it is asked to do',
        description: 'Operations on swarms a second, by replica.',
        unit: 'ops',
        queries: [[rate('redis_seconds_count', 'instance'), '{{instance}}']],
        empty: EMPTY,
        stacked: true,
        min: 0,
      }),
      heat({
        title: 'How long it takes',
        description:
          'Operations by the time that they took, over time. What moves up says that Redis or the way to it is slow.',
        unit: 'short',
        queries: [
          [
            `sum by (le) (increase(pixtorrent_tracker_redis_seconds_bucket{${OF_TRACKERS}}[$__rate_interval]))`,
            '{{le}}',
          ],
        ],
        empty: EMPTY,
        kinds: 'buckets',
        axis: 'time',
        axisUnit: 's',
      }),
      lines({
        title: '99th percentile',
        description: 'Time that Redis takes to do one thing with a swarm, its failures included, by replica.',
        unit: 's',
        queries: [[`instance:pixtorrent_tracker_redis_seconds:p99_rate5m{${OF_TRACKERS}}`, '{{instance}}']],
        empty: EMPTY,
        limits: { orange: 0.05, red: 0.5 },
        min: 0,
      }),
    ],
    'Without it': [
      lines({
        title: 'Answered without it',
        description: 'Announces a second that replicas answered from their own memory. None is good.',
        unit: 'ops',
        queries: [[rate('announces_alone_total', 'instance'), '{{instance}}']],
        empty: EMPTY,
        limits: { orange: 0.01 },
        min: 0,
      }),
      lines({
        title: 'Written back',
        description: 'Peers a second that Redis was told about after it had come back.',
        unit: 'ops',
        queries: [[rate('redis_restored_peers_total', 'instance'), '{{instance}}']],
        empty: EMPTY,
        min: 0,
      }),
    ],
    Upkeep: [
      lines({
        title: 'Swarms looked after',
        description:
          'Swarms a second that replicas looked through unasked, so that nothing stays that is over.',
        unit: 'ops',
        queries: [[rate('redis_swept_swarms_total', 'instance'), '{{instance}}']],
        empty: EMPTY,
        min: 0,
      }),
      lines({
        title: 'Peers whose time was up',
        description: 'Peers a second that had announced no more and were dropped.',
        unit: 'ops',
        queries: [[rate('redis_expired_peers_total', 'instance'), '{{instance}}']],
        empty: EMPTY,
        min: 0,
      }),
    ],
  },
});
