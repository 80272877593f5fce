import type { Metrics } from '@pixtorrent/service-kit';
import type { ClusterFigures, Milliseconds, SwarmHealth } from '@pixtorrent/swarm-health';

/** What is followed, and what nodes report of themselves. */
export function addClusterMetrics(metrics: Metrics, health: SwarmHealth): void {
  const gauge = (name: string, help: string, read: (figures: ClusterFigures) => number): void => {
    metrics.gauge({ name, help, collect: (own) => own.set(read(health.cluster())) });
  };
  gauge('nodes', 'Nodes that report, or did within the last minute', ({ nodes }) => nodes);
  gauge('stale_nodes', 'Those of them that have said nothing for 15 s', ({ staleNodes }) => staleNodes);
  gauge('swarms', 'Swarms that are followed', ({ swarms }) => swarms);
  gauge('model_bytes', 'Memory for what nodes have, about', ({ bytes }) => bytes);
  const counter = (name: string, help: string, read: (figures: ClusterFigures) => number): void => {
    metrics.counter({ name, help, read: () => [{ labels: {}, count: read(health.cluster()) }] });
  };
  counter('reports_total', 'Reports that were taken in', ({ reports }) => reports);
  counter('snapshots_asked_total', 'Snapshots of a torrent that nodes were asked for', ({ asked }) => asked);
  counter(
    'counters_restarted_total',
    'Torrents whose counters went back, once for each time: they have begun again',
    ({ restarted }) => restarted,
  );
  counter('torrents_left_out_total', 'Torrents that had no room, once for each report', (all) => all.leftOut);
  metrics.counter({
    name: 'node_bans_total',
    help: 'Peers that nodes banned, by cause',
    labels: ['cause'],
    read: () => [...health.cluster().bans].map(([cause, count]) => ({ labels: { cause }, count })),
  });
  metrics.counter({
    name: 'node_bytes_total',
    help: 'Bytes that nodes counted in all swarms: sent, received, and came for nothing beside that',
    labels: ['kind'],
    read: () => {
      const { sent, received, duplicate, wasted } = health.cluster().transfer;
      return Object.entries({ sent, received, duplicate, wasted }).map(([kind, count]) => ({
        labels: { kind },
        count,
      }));
    },
  });
  const latency = (name: string, help: string, read: (figures: ClusterFigures) => Milliseconds): void => {
    metrics.gauge({
      name,
      help,
      labels: ['node'],
      collect: (own) => {
        const { median, highest } = read(health.cluster());
        own.set({ node: 'median' }, median / 1000);
        own.set({ node: 'highest' }, highest / 1000);
      },
    });
  };
  latency(
    'node_discovery_seconds',
    'From the start or a naming to a peer, 99th percentile of a minute: the median and the highest of nodes',
    ({ discovery }) => discovery,
  );
  latency(
    'node_message_seconds',
    'Handling of a message of the wire, 99th percentile of a minute: the median and the highest of nodes',
    ({ message }) => message,
  );
}
