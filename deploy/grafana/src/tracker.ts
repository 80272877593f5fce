import { board } from './board.ts';
import { lines, stat } from './panels.ts';
import { processPanels } from './process.ts';
import { datasource, instance, job, namespace } from './variables.ts';

const OF_TRACKERS = 'namespace=~"$namespace",job=~"$job",instance=~"$instance"';
const EMPTY = 'no tracker';

function sum(metric: string, by = ''): string {
  return `sum by (${by}) (pixtorrent_tracker_${metric}{${OF_TRACKERS}})`;
}

/** Of what replicas share: each of them tells the same. */
function shared(metric: string, by = ''): string {
  return `max by (${by}) (pixtorrent_tracker_${metric}{${OF_TRACKERS}})`;
}

function rate(metric: string, by = '', labels = ''): string {
  return `sum by (${by}) (rate(pixtorrent_tracker_${metric}{${OF_TRACKERS}${labels}}[$__rate_interval]))`;
}

export const tracker = board({
  uid: 'pixtorrent-tracker',
  title: 'tracker',
  description:
    'The tracker service: announces and sessions, whether they are answered in time, and the catalogue.',
  variables: [
    datasource(),
    namespace('pixtorrent_tracker_swarms'),
    job('pixtorrent_tracker_swarms'),
    instance('pixtorrent_tracker_swarms'),
  ],
  rows: {
    Now: [
      stat({
        title: 'Swarms',
        description: 'Swarms with at least one peer; with Redis the same at each replica.',
        unit: 'short',
        queries: [[shared('swarms')]],
        empty: EMPTY,
      }),
      stat({
        title: 'Seeders',
        description: 'Peers that have all of their torrent.',
        unit: 'short',
        queries: [[shared('seeders')]],
        empty: EMPTY,
      }),
      stat({
        title: 'Leechers',
        description: 'Peers that lack something.',
        unit: 'short',
        queries: [[shared('leechers')]],
        empty: EMPTY,
      }),
      stat({
        title: 'Sessions',
        description: 'Nodes that are told of peers as those come.',
        unit: 'short',
        queries: [[sum('sessions')]],
        empty: EMPTY,
      }),
      stat({
        title: 'Versions in the catalogue',
        description: 'Of all names together.',
        unit: 'short',
        queries: [[shared('catalog_versions')]],
        empty: EMPTY,
      }),
      stat({
        title: 'Stale replicas',
        description: 'Replicas that may tell of an old catalogue, or of nodes that are gone. None is good.',
        unit: 'short',
        queries: [
          [
            `sum(pixtorrent_tracker_catalog_stale{${OF_TRACKERS}} + pixtorrent_tracker_cluster_stale{${OF_TRACKERS}} > bool 0)`,
          ],
        ],
        empty: EMPTY,
        limits: { red: 1 },
      }),
    ],
    Announces: [
      lines({
        title: 'Announces',
        description: 'Announces a second by frontend, and what asked.',
        unit: 'ops',
        queries: [[rate('announces_total', 'frontend, event'), '{{frontend}} {{event}}']],
        empty: 'nobody has announced',
        stacked: true,
        min: 0,
      }),
      lines({
        title: 'How they were answered',
        description: 'Announces a second: ok, or why not.',
        unit: 'ops',
        queries: [[rate('announces_total', 'result'), '{{result}}']],
        empty: 'nobody has announced',
        min: 0,
      }),
      lines({
        title: 'Time to answer an announce',
        description: '99th percentile by replica, without the wire. Above 100 ms it does not keep up.',
        unit: 's',
        queries: [
          [`instance:pixtorrent_tracker_announce_seconds:p99_rate5m{${OF_TRACKERS}}`, '{{instance}}'],
        ],
        empty: 'nobody has announced',
        limits: { orange: 0.1, red: 1 },
        min: 0,
      }),
      lines({
        title: 'Connections',
        description:
          'Open ones over HTTP and gRPC, and those a second that there was no room for. None of the latter is good.',
        unit: 'short',
        queries: [
          [sum('connections', 'frontend'), '{{frontend}}'],
          [sum('grpc_connections'), 'gRPC'],
          [rate('connections_turned_away_total', 'frontend'), '{{frontend}}, turned away'],
        ],
        empty: EMPTY,
        min: 0,
      }),
      lines({
        title: 'Refused',
        description: 'Datagrams and requests a second that made no sense, or that there was no time for.',
        unit: 'ops',
        queries: [
          [rate('udp_refused_total', 'reason'), 'UDP {{reason}}'],
          [rate('http_bad_requests_total'), 'HTTP'],
        ],
        empty: EMPTY,
        limits: { orange: 10 },
        min: 0,
      }),
      lines({
        title: 'Peers',
        description: 'Who is there, as this tracker knows it.',
        unit: 'short',
        queries: [
          [shared('seeders'), 'seeders'],
          [shared('leechers'), 'leechers'],
        ],
        empty: EMPTY,
        stacked: true,
        min: 0,
      }),
    ],
    'Sessions and the catalogue': [
      lines({
        title: 'Pushes',
        description:
          'Messages to sessions a second, and those that were dropped because a node did not read. None of the latter is good.',
        unit: 'ops',
        queries: [
          [rate('session_pushes_total'), 'sent'],
          [rate('session_pushes_dropped_total'), 'dropped'],
        ],
        empty: EMPTY,
        min: 0,
      }),
      lines({
        title: 'Nodes',
        description: 'Nodes by state, as they have registered themselves.',
        unit: 'short',
        queries: [[shared('cluster_nodes', 'state'), '{{state}}']],
        empty: EMPTY,
        stacked: true,
        min: 0,
      }),
      lines({
        title: 'Who follows',
        description: 'Calls that follow the catalogue, the nodes and swarms.',
        unit: 'short',
        queries: [
          [sum('catalog_watchers'), 'catalogue'],
          [sum('cluster_watchers'), 'nodes'],
          [sum('swarm_watchers'), 'swarms'],
        ],
        empty: EMPTY,
        min: 0,
      }),
      lines({
        title: 'Who could not follow',
        description: 'Followers an hour that were too slow and had to begin again. None is good.',
        unit: 'short',
        queries: [
          [`sum(increase(pixtorrent_tracker_catalog_watchers_slow_total{${OF_TRACKERS}}[1h]))`, 'catalogue'],
          [`sum(increase(pixtorrent_tracker_cluster_watchers_slow_total{${OF_TRACKERS}}[1h]))`, 'nodes'],
        ],
        empty: EMPTY,
        limits: { orange: 1 },
        min: 0,
      }),
    ],
    Process: processPanels('pixtorrent_tracker', OF_TRACKERS),
  },
});
