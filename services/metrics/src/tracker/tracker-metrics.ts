import type { Metrics } from '@pixtorrent/service-kit';
import type { SwarmHealth } from '@pixtorrent/swarm-health';
import type { TrackerWatch } from './tracker-watch.ts';

export function addTrackerMetrics(metrics: Metrics, watch: TrackerWatch, health: SwarmHealth): void {
  metrics.gauge({
    name: 'tracker_followed',
    help: 'Whether the tracker tells what it knows of its swarms',
    collect: (own) => own.set(Number(watch.working)),
  });
  metrics.gauge({
    name: 'tracked_swarms',
    help: 'Swarms that the tracker knows of, at most 10,000',
    collect: (own) => own.set(health.cluster().tracked),
  });
  metrics.gauge({
    name: 'untracked_swarms',
    help: 'Swarms that nodes report and the tracker knows nothing of',
    collect: (own) => own.set(health.cluster().untracked),
  });
}
