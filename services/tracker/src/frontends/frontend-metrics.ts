import type { Metrics } from '@pixtorrent/service-kit';
import type { HttpFrontend, UdpFrontend } from '@pixtorrent/tracker';

export interface OpenFrontends {
  readonly http: HttpFrontend | undefined;
  readonly udp: UdpFrontend | undefined;
}

/** What the frontends know of the wire, read whenever metrics are. */
export function addFrontendMetrics(metrics: Metrics, open: () => OpenFrontends): void {
  metrics.gauge({
    name: 'connections',
    help: 'Open connections by frontend',
    labels: ['frontend'],
    collect: (gauge) => gauge.set({ frontend: 'http' }, open().http?.connections ?? 0),
  });
  metrics.counter({
    name: 'connections_turned_away_total',
    help: 'Connections that were closed at once, for there were too many',
    labels: ['frontend'],
    read: () => [{ labels: { frontend: 'http' }, count: open().http?.turnedAway ?? 0 }],
  });
  metrics.counter({
    name: 'http_bad_requests_total',
    help: 'What came over HTTP and was no request, or no whole one in time',
    read: () => [{ labels: {}, count: open().http?.badRequests ?? 0 }],
  });
  metrics.counter({
    name: 'udp_refused_total',
    help: 'Packets that were refused, by reason',
    labels: ['reason'],
    read: () =>
      Object.entries(open().udp?.refused ?? {}).map(([reason, count]) => ({ labels: { reason }, count })),
  });
  metrics.gauge({
    name: 'udp_batched',
    help: '1 where packets go in and out many at a time, 0 where one by one',
    collect: (gauge) => gauge.set(open().udp?.way === 'batched' ? 1 : 0),
  });
  metrics.counter({
    name: 'udp_unsent_total',
    help: 'Answers over UDP that the system did not send, for want of room or of a way',
    read: () => [{ labels: {}, count: open().udp?.unsent ?? 0 }],
  });
}
