import type { Metrics } from '@pixtorrent/service-kit';
import type { SharedStores } from '../store/stores.ts';
import { LATENCY_BUCKETS } from './latencies.ts';

/** How Redis does, and what this replica does without it. */
export function addRedisMetrics(metrics: Metrics, { resilient, redis, latencies }: SharedStores): void {
  metrics.gauge({
    name: 'redis_up',
    help: '1 while peers are kept in Redis, 0 while this replica answers from its own memory',
    collect: (gauge) => gauge.set(resilient.state.type === 'away' ? 0 : 1),
  });
  metrics.observed({
    name: 'redis_seconds',
    help: 'Time that Redis takes to do one thing with a swarm, its failures included',
    buckets: LATENCY_BUCKETS,
    read: () => [{ labels: {}, counts: latencies.counts, sum: latencies.sum }],
  });
  metrics.gauge({
    name: 'redis_departures',
    help: 'Peers remembered as having left, for a Redis that comes back',
    collect: (gauge) => gauge.set(resilient.resilience.departures),
  });
  const counter = (name: string, help: string, read: () => number): void => {
    metrics.counter({ name, help, read: () => [{ labels: {}, count: read() }] });
  };
  counter('announces_alone_total', 'Announces answered from the memory of this replica', () => {
    return resilient.resilience.answeredAlone;
  });
  counter('redis_outages_total', 'Times that Redis went away or was too slow', () => {
    return resilient.resilience.outages;
  });
  counter('redis_restored_peers_total', 'Peers that Redis was told about after it came back', () => {
    return resilient.resilience.restored;
  });
  counter('redis_swept_swarms_total', 'Swarms that this replica looked after unasked', () => {
    return redis.swept.swarms;
  });
  counter('redis_expired_peers_total', 'Peers that this replica dropped because their time was up', () => {
    return redis.swept.peers;
  });
}
