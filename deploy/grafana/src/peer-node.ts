import { board } from './board.ts';
import { lines, stat } from './panels.ts';
import { processPanels } from './process.ts';
import { datasource, instance, job, namespace } from './variables.ts';

const OF_NODES = 'namespace=~"$namespace",job=~"$job",instance=~"$instance"';
const EMPTY = 'no peer-node';

function sum(metric: string, by = '', labels = ''): string {
  return `sum by (${by}) (pixtorrent_peer_${metric}{${OF_NODES}${labels}})`;
}

function rate(metric: string, by = '', labels = ''): string {
  return `sum by (${by}) (rate(pixtorrent_peer_${metric}{${OF_NODES}${labels}}[$__rate_interval]))`;
}

function p99(metric: string): string {
  return `histogram_quantile(0.99, ${rate(`${metric}_bucket`, 'le')})`;
}

export const peerNode = board({
  uid: 'pixtorrent-peer-node',
  title: 'peer-nodes',
  description:
    'One peer-node or several: what they hold and move, and whether disk, memory and processor keep up.',
  variables: [
    datasource(),
    namespace('pixtorrent_peer_registered'),
    job('pixtorrent_peer_registered'),
    instance('pixtorrent_peer_registered'),
  ],
  rows: {
    Now: [
      stat({
        title: 'Nodes with the tracker',
        description: 'Nodes that the tracker service has taken in, of those that run.',
        unit: 'percentunit',
        queries: [[`avg(pixtorrent_peer_registered{${OF_NODES}})`]],
        empty: EMPTY,
        floors: [0.5, 1],
      }),
      stat({
        title: 'Nodes that report',
        description:
          'Nodes that at least one replica of the metrics service hears of, of those that are to report.',
        unit: 'percentunit',
        queries: [[`avg(pixtorrent_peer_reporting{${OF_NODES}} > bool 0)`]],
        empty: 'no node is to report',
        floors: [0.5, 1],
      }),
      stat({
        title: 'Disks that take writes',
        description: 'Of all of them. A node whose disk does not is not ready.',
        unit: 'percentunit',
        queries: [[`avg(pixtorrent_peer_disk_up{${OF_NODES}})`]],
        empty: EMPTY,
        floors: [0.5, 1],
      }),
      stat({
        title: 'Least room',
        description: 'What is free of what a node could use, of the node that has least.',
        unit: 'percentunit',
        queries: [[`min(instance:pixtorrent_peer_disk_free:ratio{${OF_NODES}})`]],
        empty: EMPTY,
        floors: [0.05, 0.15],
      }),
      stat({
        title: 'Waiting for room',
        description: 'Torrents that nodes are to hold and have no room for. None is good.',
        unit: 'short',
        queries: [[sum('replication_waiting')]],
        empty: EMPTY,
        limits: { orange: 1 },
      }),
      stat({
        title: 'Draining',
        description: 'Nodes that are about to leave, and hand on first what only they have.',
        unit: 'short',
        queries: [[sum('draining')]],
        empty: EMPTY,
        limits: { orange: 1 },
      }),
    ],
    'What moves': [
      lines({
        title: 'Content between peers',
        description: 'By direction and wire: pixwire between nodes, bep3 with any other client.',
        unit: 'Bps',
        queries: [[rate('peer_bytes_total', 'direction, wire'), '{{direction}} by {{wire}}']],
        empty: EMPTY,
        min: 0,
      }),
      lines({
        title: 'What came',
        description:
          'Useful; duplicate, it was here already; wasted, nobody waited for it. The latter two should be next to none.',
        unit: 'Bps',
        queries: [[rate('received_bytes_total', 'use'), '{{use}}']],
        empty: EMPTY,
        min: 0,
      }),
      lines({
        title: 'Pieces',
        description:
          'Verified; failed, the hash was wrong; lost, the disk had something else than was written.',
        unit: 'cps',
        queries: [[rate('pieces_total', 'result'), '{{result}}']],
        empty: EMPTY,
        min: 0,
      }),
      lines({
        title: 'Connections',
        description:
          'Connections of all torrents by what they are; each is in several. Snubbed ones promised data and did not send it.',
        unit: 'short',
        queries: [[sum('peers', 'state'), '{{state}}']],
        empty: EMPTY,
        min: 0,
      }),
      lines({
        title: 'Bans',
        description: 'Peers banned an hour, by cause. None is good.',
        unit: 'short',
        queries: [[`sum by (cause) (increase(pixtorrent_peer_bans_total{${OF_NODES}}[1h]))`, '{{cause}}']],
        empty: EMPTY,
        limits: { orange: 5 },
        min: 0,
      }),
      lines({
        title: 'Connections that ended',
        description: 'By reason. What repeats itself without end says why nodes do not get together.',
        unit: 'cps',
        queries: [[rate('disconnects_total', 'reason'), '{{reason}}']],
        empty: 'no connection has ended',
        min: 0,
      }),
    ],
    'What they hold': [
      lines({
        title: 'Content',
        description: 'Planned: of all torrents that are held; verified: what is here; budget: what may be.',
        unit: 'bytes',
        queries: [
          [sum('content_bytes', 'kind'), '{{kind}}'],
          [sum('disk_free_bytes'), 'free on disks'],
        ],
        empty: EMPTY,
        min: 0,
      }),
      lines({
        title: 'Torrents',
        description: 'By condition. Failed ones say why in the log.',
        unit: 'short',
        queries: [[sum('torrents', 'condition'), '{{condition}}']],
        empty: EMPTY,
        min: 0,
      }),
      lines({
        title: 'Taken in',
        description: 'Bytes that were published by way of these nodes.',
        unit: 'Bps',
        queries: [[rate('ingest_bytes_total'), 'taken in']],
        empty: EMPTY,
        min: 0,
      }),
      lines({
        title: 'Scrub',
        description:
          'Bytes a second that are read again, and pieces an hour that the disk had lost. None is good.',
        unit: 'Bps',
        queries: [
          [rate('scrub_bytes_total'), 'read again'],
          [
            `sum(increase(pixtorrent_peer_scrub_corrupt_pieces_total{${OF_NODES}}[1h]))`,
            'lost pieces an hour',
          ],
        ],
        empty: EMPTY,
        min: 0,
      }),
    ],
    'Whether they keep up': [
      lines({
        title: 'Times',
        description: '99th percentiles: to handle a message, to hash a piece, to read and to write one.',
        unit: 's',
        queries: [
          [p99('message_seconds'), 'message'],
          [p99('hash_seconds'), 'hash'],
          [p99('disk_read_seconds'), 'disk read'],
          [p99('disk_write_seconds'), 'disk write'],
        ],
        empty: 'nothing was done',
        min: 0,
      }),
      lines({
        title: 'Memory for pieces',
        description: 'Used and free of PEER_MEMORY, and pieces kept in case somebody asks again.',
        unit: 'bytes',
        queries: [
          [sum('slab_bytes', 'state'), '{{state}}'],
          [sum('cache_bytes'), 'cached pieces'],
        ],
        empty: EMPTY,
        min: 0,
      }),
      lines({
        title: 'Waiting',
        description:
          'What waits for memory, and pieces that wait for the disk. What never comes down is too much for the node.',
        unit: 'short',
        queries: [
          [sum('slab_waiting'), 'for memory'],
          [sum('pieces_writing'), 'pieces being written'],
        ],
        empty: EMPTY,
        min: 0,
      }),
      lines({
        title: 'Request window',
        description: 'Bytes that may be asked for at once, and that are, of all connections.',
        unit: 'bytes',
        queries: [[sum('request_window_bytes', 'part'), '{{part}}']],
        empty: EMPTY,
        min: 0,
      }),
      lines({
        title: 'Readers',
        description: 'HTTP requests a second, by status; cut: the connection ended before the answer did.',
        unit: 'ops',
        queries: [[rate('gateway_requests_total', 'status'), '{{status}}']],
        empty: 'nobody has read over HTTP',
        min: 0,
      }),
      lines({
        title: 'Callers',
        description: 'Open connections over HTTP and gRPC.',
        unit: 'short',
        queries: [
          [sum('gateway_connections'), 'HTTP'],
          [sum('grpc_connections'), 'gRPC'],
        ],
        empty: EMPTY,
        min: 0,
      }),
    ],
    Process: processPanels('pixtorrent_peer', OF_NODES),
  },
});
