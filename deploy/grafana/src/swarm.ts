import { board } from './board.ts';
import { bars, graph, heat, lines, stat, table } from './panels.ts';
import { datasource, namespace, swarm } from './variables.ts';

const OF_SWARM = 'namespace=~"$namespace",info_hash="$swarm"';
const EMPTY = 'no node reports it';

/** A figure of the swarm: each replica of the metrics service tells it. */
function figure(metric: string, by = '', labels = ''): string {
  return `max by (${by}) (pixtorrent_swarm_${metric}{${OF_SWARM}${labels}})`;
}

function rate(metric: string, by = ''): string {
  return `max by (${by}) (rate(pixtorrent_swarm_${metric}{${OF_SWARM}}[$__rate_interval]))`;
}

/** Links that are told of one by one. */
const LINKS = figure('link_bytes_total', 'from, to', ',from!="others"');

export const oneSwarm = board({
  uid: 'pixtorrent-swarm',
  title: 'a swarm',
  description: 'One torrent: who has what of it, who sends it to whom, and what would be lost with whom.',
  variables: [datasource(), namespace('pixtorrent_swarm_size_bytes'), swarm()],
  rows: {
    Now: [
      stat({
        title: 'Size',
        description: 'Bytes of the content, with its name and version in the catalogue.',
        unit: 'bytes',
        queries: [[figure('size_bytes', 'name'), '{{name}}']],
        empty: EMPTY,
        named: true,
      }),
      stat({
        title: 'Nodes',
        description: 'Nodes that are to have all of it.',
        unit: 'short',
        queries: [[figure('nodes')]],
        empty: EMPTY,
      }),
      stat({
        title: 'Whole',
        description: 'Nodes that have all of it. Without any, nodes have to complete each other.',
        unit: 'short',
        queries: [[figure('whole_nodes')]],
        empty: EMPTY,
        floors: [0, 1],
      }),
      stat({
        title: 'Left',
        description:
          'Time until the last node is whole, at the rates of now. Missing where a node gets nothing.',
        unit: 's',
        queries: [[figure('remaining_seconds')]],
        empty: 'no end in sight',
      }),
      stat({
        title: 'Copies of the rarest piece',
        description: 'Availability: 0 is a loss until somebody comes back, 1 a risk.',
        unit: 'short',
        queries: [[figure('availability_copies')]],
        empty: EMPTY,
        floors: [1, 2],
      }),
      stat({
        title: 'Distributed copies',
        description: 'Whole copies that could be put together, and the part of a further one.',
        unit: 'short',
        queries: [[figure('distributed_copies')]],
        empty: EMPTY,
        floors: [1, 2],
      }),
      stat({
        title: 'Pieces on one node',
        description: 'Pieces that would be lost with one node, of the node that has most of such.',
        unit: 'short',
        queries: [[figure('sole_pieces')]],
        empty: EMPTY,
        limits: { orange: 1 },
      }),
      stat({
        title: 'Whose end would lose most',
        description: 'The node that alone has pieces, and how many.',
        unit: 'short',
        queries: [[figure('sole_holder_pieces', 'node'), '{{node}}']],
        empty: 'nobody: each piece is with several, or with none',
        named: true,
        limits: { orange: 1 },
      }),
      stat({
        title: 'Stalled nodes',
        description: 'Nodes that want data and have got none for 10 s.',
        unit: 'short',
        queries: [[figure('stalled_nodes')]],
        empty: EMPTY,
        limits: { orange: 1 },
      }),
      stat({
        title: 'Slowest over median',
        description: 'Straggler ratio: time of the slowest node over that of the median one. Near 1 is good.',
        unit: 'short',
        queries: [[figure('straggler_ratio')]],
        empty: EMPTY,
        limits: { orange: 2, red: 3 },
      }),
      stat({
        title: 'What first seeders sent, over the content',
        description: 'Seeder amplification: 1 means that each byte was given once, and nodes did the rest.',
        unit: 'short',
        queries: [[figure('seeder_amplification_ratio')]],
        empty: EMPTY,
        limits: { orange: 2, red: 3 },
      }),
      stat({
        title: 'What came twice',
        description:
          'Duplicate ratio: part of all bytes that came and were there already. Below 1 % is good.',
        unit: 'percentunit',
        queries: [[figure('duplicate_ratio')]],
        empty: EMPTY,
        limits: { orange: 0.01, red: 0.05 },
      }),
    ],
    Pieces: [
      heat({
        title: 'Pieces by number of copies',
        description:
          'How many pieces have so many copies, over time: from 0, 1, 2, 3, 4, 8 and 16 on. A roll-out moves all of them up; what stays at 1 is at risk, what is at 0 is lost.',
        unit: 'short',
        queries: [[figure('pieces_by_copies', 'copies'), '{{copies}}']],
        empty: EMPTY,
        kinds: 'from',
        axis: 'copies',
        axisUnit: 'short',
      }),
      lines({
        title: 'Completion',
        description:
          'Part of the content that nodes have: of the node with least, and percentiles over nodes.',
        unit: 'percentunit',
        queries: [[figure('completion_ratio', 'quantile'), 'of nodes: {{quantile}}']],
        empty: EMPTY,
        min: 0,
        max: 1,
      }),
      lines({
        title: 'How long a piece takes to spread',
        description:
          'Time from the first node that had a piece until that share of nodes had it, the median over pieces. Missing where it has not come to that.',
        unit: 's',
        queries: [[figure('spread_seconds', 'share'), 'share of nodes: {{share}}']],
        empty: 'no piece has spread',
        min: 0,
      }),
      lines({
        title: 'Failed pieces',
        description: 'Pieces a second whose hash was wrong. None is good.',
        unit: 'cps',
        queries: [[rate('failed_pieces_total'), 'failed']],
        empty: EMPTY,
        limits: { red: 0.01 },
        min: 0,
      }),
    ],
    Nodes: [
      bars({
        title: 'Completion by node',
        description:
          'Part of the content that each node has; those that lack most come first. At most METRICS_NODE_SERIES are told of.',
        unit: 'percentunit',
        queries: [[`bottomk(50, ${figure('node_completion_ratio', 'node')})`, '{{node}}']],
        empty: EMPTY,
        floors: [0.5, 1],
        min: 0,
        max: 1,
      }),
      lines({
        title: 'Completion by node, over time',
        description:
          'A line that stays behind the others is a straggler; one that lies flat below 1 is stalled.',
        unit: 'percentunit',
        queries: [[figure('node_completion_ratio', 'node'), '{{node}}']],
        empty: EMPTY,
        min: 0,
        max: 1,
      }),
      lines({
        title: 'What nodes get',
        description: 'Rate by node.',
        unit: 'Bps',
        queries: [[figure('node_download_bytes_per_second', 'node'), '{{node}}']],
        empty: EMPTY,
        min: 0,
      }),
      lines({
        title: 'What nodes send',
        description: 'Rate by node. In a swarm that shares, all nodes send.',
        unit: 'Bps',
        queries: [[figure('node_upload_bytes_per_second', 'node'), '{{node}}']],
        empty: EMPTY,
        min: 0,
      }),
    ],
    'Who sends to whom': [
      graph({
        title: 'Who has sent to whom',
        description: 'Bytes by link, of the 50 links that most went by.',
        unit: 'bytes',
        queries: [
          [
            `label_join(label_replace(label_replace(topk(50, ${LINKS}), "source", "$1", "from", "(.*)"), "target", "$1", "to", "(.*)"), "id", " to ", "from", "to")`,
          ],
        ],
        empty: 'nothing has moved',
      }),
      table({
        title: 'Links',
        description: 'Bytes by link, of the 50 links that most went by.',
        unit: 'bytes',
        queries: [[`sort_desc(topk(50, ${LINKS}))`]],
        empty: 'Nothing has moved.',
        columns: {
          from: { title: 'From' },
          to: { title: 'To' },
          Value: { title: 'Bytes', unit: 'bytes' },
        },
        width: 12,
        height: 12,
      }),
      lines({
        title: 'Rates of links',
        description: 'The 10 links that most goes by, and all that are not told of one by one together.',
        unit: 'Bps',
        queries: [
          [
            `topk(10, max by (from, to) (rate(pixtorrent_swarm_link_bytes_total{${OF_SWARM}}[$__rate_interval])))`,
            '{{from}} to {{to}}',
          ],
        ],
        empty: EMPTY,
        stacked: true,
        min: 0,
      }),
      lines({
        title: 'Between nodes, and between zones',
        description: 'Bytes between nodes that report, and those of them that crossed zones: they cost most.',
        unit: 'Bps',
        queries: [
          [rate('between_nodes_bytes_total'), 'between nodes'],
          [rate('across_zones_bytes_total'), 'between zones'],
        ],
        empty: EMPTY,
        min: 0,
      }),
      lines({
        title: 'What the tracker knows',
        description:
          'Nodes that report and that a tracker has taken in, and peers that it knows beside these: other clients, and nodes that do not report.',
        unit: 'short',
        queries: [
          [figure('announced_nodes'), 'nodes'],
          [figure('other_peers'), 'other peers'],
          [figure('tracker_peers', 'role'), '{{role}}'],
        ],
        empty: 'the metrics service follows no tracker, or it knows of nobody',
        min: 0,
      }),
    ],
  },
});
