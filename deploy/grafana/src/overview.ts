import { board } from './board.ts';
import { bars, lines, stat, table } from './panels.ts';
import { processPanels } from './process.ts';
import { datasource, namespace } from './variables.ts';

const NS = 'namespace=~"$namespace"';

/** A figure of each swarm: each replica of the metrics service tells it. */
function each(metric: string, labels = ''): string {
  return `max by (info_hash, name) (pixtorrent_swarm_${metric}{${NS}${labels}})`;
}

export const overview = board({
  uid: 'pixtorrent-overview',
  title: 'overview',
  description: 'All swarms and services: whether roll-outs are healthy, and what they cost.',
  variables: [datasource(), namespace('pixtorrent_metrics_nodes')],
  rows: {
    Now: [
      stat({
        title: 'Nodes',
        description: 'Nodes that report to the metrics service, or did within the last minute.',
        unit: 'short',
        queries: [[`max(pixtorrent_metrics_nodes{${NS}})`]],
        empty: 'no metrics service',
        width: 3,
      }),
      stat({
        title: 'Silent nodes',
        description: 'Nodes that have said nothing for 15 s. None is good.',
        unit: 'short',
        queries: [[`max(pixtorrent_metrics_stale_nodes{${NS}})`]],
        empty: 'no metrics service',
        limits: { orange: 1 },
        width: 3,
      }),
      stat({
        title: 'Swarms',
        description: 'Torrents that at least one node reports.',
        unit: 'short',
        queries: [[`max(pixtorrent_metrics_swarms{${NS}})`]],
        empty: 'no metrics service',
        width: 3,
      }),
      stat({
        title: 'Copies to come',
        description: 'Nodes that lack something of a torrent they are to have, over all swarms.',
        unit: 'short',
        queries: [[`sum(swarm:pixtorrent_lacking_nodes:max{${NS}})`]],
        empty: 'no swarm',
        width: 3,
      }),
      stat({
        title: 'Stalled nodes',
        description: 'Nodes that want data and have got none for 10 s, over all swarms. None is good.',
        unit: 'short',
        queries: [[`sum(max by (info_hash, name) (pixtorrent_swarm_stalled_nodes{${NS}}))`]],
        empty: 'no swarm',
        limits: { orange: 1 },
        width: 3,
      }),
      stat({
        title: 'Swarms at risk',
        description: 'Swarms with pieces that one node alone has. None is good, when roll-outs are done.',
        unit: 'short',
        queries: [[`count(swarm:pixtorrent_sole_pieces:max{${NS}} > 0) or vector(0)`]],
        empty: 'no swarm',
        limits: { orange: 1 },
        width: 3,
      }),
      stat({
        title: 'Services down',
        description: 'Processes whose metrics Prometheus cannot read. None is good.',
        unit: 'short',
        queries: [[`sum(instance:pixtorrent_up:last6h{${NS}} == bool 0)`]],
        empty: 'no service',
        limits: { red: 1 },
        width: 3,
      }),
      stat({
        title: 'Late deliveries',
        description:
          'Part of the deliveries of the last 6 hours that took longer than the target. 1 % over 30 days is the objective.',
        unit: 'percentunit',
        queries: [[`max(namespace:pixtorrent_deliveries_late:ratio_rate6h{${NS}})`]],
        empty: 'no delivery',
        limits: { orange: 0.01, red: 0.06 },
        width: 3,
      }),
    ],
    Swarms: [
      table({
        title: 'Swarms',
        description:
          'The swarms that matter most: those that lost something, could lose something or wait come first. A name leads to the swarm.',
        unit: 'short',
        queries: [
          [each('nodes', ',info_hash!=""')],
          [each('whole_nodes', ',info_hash!=""')],
          [each('completion_ratio', ',quantile="0"')],
          [each('availability_copies')],
          [each('remaining_seconds')],
          [each('download_bytes_per_second', ',info_hash!=""')],
          [each('straggler_ratio')],
          [each('seeder_amplification_ratio')],
          [each('size_bytes')],
        ],
        empty: 'No swarm: no node reports a torrent.',
        columns: {
          name: { title: 'Name' },
          info_hash: {
            title: 'Info hash',
            // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in
            link: '/d/pixtorrent-swarm?var-swarm=${__value.text}&${__url_time_range}',
          },
          'Value #A': { title: 'Nodes' },
          'Value #B': { title: 'Whole' },
          'Value #C': { title: 'Least completion', unit: 'percentunit' },
          'Value #D': { title: 'Copies of the rarest piece' },
          'Value #E': { title: 'Left', unit: 's' },
          'Value #F': { title: 'Rate', unit: 'Bps' },
          'Value #G': { title: 'Slowest over median' },
          'Value #H': { title: 'Seeder sent' },
          'Value #I': { title: 'Size', unit: 'bytes' },
        },
      }),
      lines({
        title: 'Least completion',
        description:
          'Part of the content that the node with least has, by swarm. 1 means that all nodes have all of it.',
        unit: 'percentunit',
        queries: [[each('completion_ratio', ',quantile="0"'), '{{name}} {{info_hash}}']],
        empty: 'no swarm',
        min: 0,
        max: 1,
      }),
      lines({
        title: 'Copies of the rarest piece',
        description: 'At 1 the end of one node would lose something; at 0 something is with nobody.',
        unit: 'short',
        queries: [[each('availability_copies'), '{{name}} {{info_hash}}']],
        empty: 'no swarm',
        floors: [1, 2],
        min: 0,
      }),
    ],
    'What moves': [
      lines({
        title: 'Bytes of all nodes',
        description:
          'Sent and received between nodes and other clients; duplicate and wasted came for nothing, and should be next to none.',
        unit: 'Bps',
        queries: [[`sum by (kind) (namespace:pixtorrent_node_bytes:rate2m{${NS}})`, '{{kind}}']],
        empty: 'no node has reported',
        min: 0,
      }),
      lines({
        title: 'What nodes get, by swarm',
        description:
          'The rate of all nodes of a swarm together; others are the swarms that are not told of one by one.',
        unit: 'Bps',
        queries: [[each('download_bytes_per_second'), '{{name}} {{info_hash}}']],
        empty: 'no swarm',
        stacked: true,
        min: 0,
      }),
      lines({
        title: 'How soon nodes find each other',
        description:
          '99th percentile of the last minute from a start or a naming to a peer: of the median node and of the slowest.',
        unit: 's',
        queries: [[`max by (node) (pixtorrent_metrics_node_discovery_seconds{${NS}})`, '{{node}}']],
        empty: 'no node has measured it',
        min: 0,
      }),
      lines({
        title: 'How long a node takes for a message',
        description:
          '99th percentile of the last minute: of the median node and of the slowest. Below 1 ms is good.',
        unit: 's',
        queries: [[`max by (node) (pixtorrent_metrics_node_message_seconds{${NS}})`, '{{node}}']],
        empty: 'no node has measured it',
        min: 0,
      }),
    ],
    'What it costs': [
      bars({
        title: 'What first seeders sent, over the content',
        description:
          '1 means that the seeder gave each byte once and nodes did the rest. Much more: they do not share.',
        unit: 'short',
        queries: [[`topk(15, ${each('seeder_amplification_ratio')})`, '{{name}} {{info_hash}}']],
        empty: 'no swarm',
        limits: { orange: 2, red: 3 },
        min: 0,
      }),
      bars({
        title: 'What came twice',
        description: 'Part of all bytes that came and were there already, by swarm. Below 1 % is good.',
        unit: 'percentunit',
        queries: [[`topk(15, ${each('duplicate_ratio')})`, '{{name}} {{info_hash}}']],
        empty: 'no swarm',
        limits: { orange: 0.01, red: 0.05 },
        min: 0,
      }),
    ],
    'Deliveries and alerts': [
      lines({
        title: 'Deliveries',
        description:
          'Nodes that were to get a torrent, an hour: in time, and late by the target for its size.',
        unit: 'short',
        queries: [
          [`max by (result) (increase(pixtorrent_metrics_deliveries_total{${NS}}[1h]))`, '{{result}}'],
        ],
        empty: 'no metrics service',
        min: 0,
      }),
      stat({
        title: 'What may still be late',
        description:
          'Of the deliveries that may be late in 30 days, so that 99 of 100 are in time: the part that is left.',
        unit: 'percentunit',
        queries: [
          [
            `1 - sum(increase(pixtorrent_metrics_deliveries_total{${NS},result="late"}[30d])) / (sum(increase(pixtorrent_metrics_deliveries_total{${NS}}[30d])) > 0) / 0.01`,
          ],
        ],
        empty: 'no delivery',
        floors: [0, 0.25],
        width: 4,
      }),
      table({
        title: 'Alerts',
        description: 'What alerts now, or is about to; docs/runbooks.md says what to do.',
        unit: 'short',
        queries: [
          [
            `max by (alertname, alertstate, severity, name, instance) (ALERTS{alertname=~"PixTorrent.*",${NS}})`,
          ],
        ],
        empty: 'No alert.',
        columns: {
          alertname: { title: 'Alert' },
          alertstate: { title: 'State' },
          severity: { title: 'Severity' },
          name: { title: 'Swarm' },
          instance: { title: 'Instance' },
        },
        width: 8,
      }),
    ],
    'The metrics service': [
      lines({
        title: 'Reports',
        description:
          'Reports a second that were taken in, by replica: one in two seconds of each node that moves something.',
        unit: 'ops',
        queries: [[`rate(pixtorrent_metrics_reports_total{${NS}}[$__rate_interval])`, '{{instance}}']],
        empty: 'no metrics service',
        min: 0,
      }),
      lines({
        title: 'Refused reports',
        description:
          'Reports a second that could not be right or that there was no room for, by what was wrong. None is good.',
        unit: 'ops',
        queries: [
          [
            `sum by (reason) (rate(pixtorrent_metrics_reports_refused_total{${NS}}[$__rate_interval]))`,
            '{{reason}}',
          ],
        ],
        empty: 'no metrics service',
        limits: { orange: 0.01 },
        min: 0,
      }),
      ...processPanels('pixtorrent_metrics', NS),
    ],
  },
});
