import type { Metrics } from '@pixtorrent/service-kit';
import type { Reporters } from './reporters.ts';

export function addReportMetrics(metrics: Metrics, reporters: Reporters): void {
  metrics.gauge({
    name: 'reporting',
    help: 'Replicas of the metrics service that take in what this node reports',
    collect: (gauge) => gauge.set(reporters.working),
  });
  metrics.gauge({
    name: 'report_replicas',
    help: 'Replicas of the metrics service that there are, at most 8',
    collect: (gauge) => gauge.set(reporters.replicas),
  });
  metrics.counter({
    name: 'reports_total',
    help: 'Messages that were sent to the metrics service',
    read: () => [{ labels: {}, count: reporters.count }],
  });
}
