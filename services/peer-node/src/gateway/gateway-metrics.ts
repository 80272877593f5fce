import type { Metrics } from '@pixtorrent/service-kit';
import type { HttpServer } from './server/http-server.ts';

/** What the HTTP side knows of itself, read whenever metrics are. */
export function addGatewayMetrics(metrics: Metrics, server: () => HttpServer | undefined): void {
  metrics.counter({
    name: 'gateway_requests_total',
    help: 'Requests over HTTP, by how they were answered; cut: the connection ended before the answer did',
    labels: ['method', 'status'],
    read: () =>
      [...(server()?.requests.values() ?? [])].map(({ method, status, count }) => ({
        labels: { method, status },
        count,
      })),
  });
  metrics.gauge({
    name: 'gateway_connections',
    help: 'Open HTTP connections',
    collect: (gauge) => gauge.set(server()?.connections ?? 0),
  });
  metrics.counter({
    name: 'gateway_connections_turned_away_total',
    help: 'HTTP connections that were closed at once, for there were too many',
    read: () => [{ labels: {}, count: server()?.turnedAway ?? 0 }],
  });
}
