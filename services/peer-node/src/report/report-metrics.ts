import type { Metrics } from '@pixtorrent/service-kit';
import type { Reporter } from './reporter.ts';

export function addReportMetrics(metrics: Metrics, reporter: Reporter): void {
  metrics.gauge({
    name: 'reporting',
    help: 'Whether the metrics service takes in what this node reports',
    collect: (gauge) => gauge.set(Number(reporter.working)),
  });
  metrics.counter({
    name: 'reports_total',
    help: 'Messages that were sent to the metrics service',
    read: () => [{ labels: {}, count: reporter.count }],
  });
}
