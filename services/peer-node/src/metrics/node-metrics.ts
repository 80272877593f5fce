import { cluster } from '@pixtorrent/contracts';
import type { Metrics } from '@pixtorrent/service-kit';
import type { PeerNode } from '../node/peer-node.ts';
import type { TorrentCondition } from '../torrents/kept-torrent.ts';
import { haveOf } from '../torrents/kept-torrent.ts';
import { reading } from './reading.ts';

const CONDITIONS: readonly TorrentCondition['type'][] = [
  'checking',
  'downloading',
  'seeding',
  'failed',
  'closing',
];
const STATES = {
  starting: cluster.NodeState.NODE_STATE_STARTING,
  ready: cluster.NodeState.NODE_STATE_READY,
  draining: cluster.NodeState.NODE_STATE_DRAINING,
};

/** What a node holds, takes in, looks after and leaves behind. */
export function addNodeMetrics(metrics: Metrics, node: PeerNode): void {
  addContent(metrics, node);
  addCluster(metrics, node);
  addIngest(metrics, node);
  addScrub(metrics, node);
  addDrain(metrics, node);
}

function addContent(metrics: Metrics, node: PeerNode): void {
  const content = reading(() => contentOf(node));
  metrics.gauge({
    name: 'torrents',
    help: 'Torrents by how they are',
    labels: ['condition'],
    collect: (gauge) => {
      for (const condition of CONDITIONS) gauge.set({ condition }, content().conditions[condition]);
    },
  });
  metrics.gauge({
    name: 'content_bytes',
    help: 'Bytes of content: planned for what is or will be here, verified of it, and the budget for both',
    labels: ['kind'],
    collect: (gauge) => {
      gauge.set({ kind: 'planned' }, content().planned);
      gauge.set({ kind: 'verified' }, content().verified);
      gauge.set({ kind: 'budget' }, node.budget);
    },
  });
  metrics.gauge({
    name: 'disk_free_bytes',
    help: 'Bytes that are free on the disk',
    collect: (gauge) => gauge.set(node.disk.free),
  });
  metrics.gauge({
    name: 'disk_up',
    help: 'Whether the disk takes what is written',
    collect: (gauge) => gauge.set(node.disk.fault === undefined ? 1 : 0),
  });
}

function contentOf({ torrents }: PeerNode) {
  const conditions = { checking: 0, downloading: 0, seeding: 0, failed: 0, closing: 0 };
  let planned = 0;
  let verified = 0;
  for (const torrent of torrents.all()) {
    conditions[torrent.condition.type]++;
    planned += torrent.metainfo.length;
    verified += haveOf(torrent);
  }
  return { conditions, planned, verified };
}

function addCluster(metrics: Metrics, node: PeerNode): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    metrics.gauge({ name, help, collect: (own) => own.set(read()) });
  };
  gauge('registered', 'Whether the tracker service knows of this node', () => Number(node.registered));
  gauge('catalogue_current', 'Whether what is known of the catalogue is up to date', () =>
    Number(node.catalogue.current),
  );
  gauge(
    'catalogue_entries',
    'Versions in the catalogue, as far as is known',
    () => node.catalogue.entries.size,
  );
  metrics.gauge({
    name: 'cluster_nodes',
    help: 'Nodes that are there, as far as this one knows',
    labels: ['state'],
    collect: (own) => {
      const nodes = [...node.cluster.nodes.values()];
      for (const [state, number] of Object.entries(STATES))
        own.set({ state }, nodes.filter((one) => one.state === number).length);
    },
  });
  gauge(
    'replication_waiting',
    'Torrents that should be here and have no room',
    () => node.replicator.figures.waiting,
  );
  metrics.counter({
    name: 'replication_evicted_total',
    help: 'Torrents that were let go of to make room',
    read: () => [{ labels: {}, count: node.replicator.figures.evicted }],
  });
  metrics.counter({
    name: 'replication_restored_total',
    help: 'Entries that were told to a catalogue that had lost them',
    read: () => [{ labels: {}, count: node.replicator.figures.restored }],
  });
}

function addIngest(metrics: Metrics, { ingestor }: PeerNode): void {
  metrics.gauge({
    name: 'ingests',
    help: 'Contents that are being taken in',
    collect: (gauge) => gauge.set(ingestor.figures.underway),
  });
  metrics.counter({
    name: 'ingests_total',
    help: 'Contents that were taken in, or were not',
    labels: ['result'],
    read: () => [
      { labels: { result: 'published' }, count: ingestor.figures.published },
      { labels: { result: 'failed' }, count: ingestor.figures.failed },
    ],
  });
  metrics.counter({
    name: 'ingest_bytes_total',
    help: 'Bytes of contents that came to be taken in',
    read: () => [{ labels: {}, count: ingestor.figures.received }],
  });
}

function addScrub(metrics: Metrics, { scrubber }: PeerNode): void {
  metrics.counter({
    name: 'scrub_bytes_total',
    help: 'Bytes that were read again to find what the disk has lost',
    read: () => [{ labels: {}, count: scrubber.figures.bytes }],
  });
  metrics.counter({
    name: 'scrub_corrupt_pieces_total',
    help: 'Pieces that were found wrong on the disk',
    read: () => [{ labels: {}, count: scrubber.figures.corrupt }],
  });
  metrics.counter({
    name: 'scrub_torrents_total',
    help: 'Torrents that were read again from end to end',
    read: () => [{ labels: {}, count: scrubber.figures.torrents }],
  });
}

function addDrain(metrics: Metrics, node: PeerNode): void {
  metrics.gauge({
    name: 'draining',
    help: 'Whether this node takes no more work',
    collect: (gauge) => gauge.set(Number(node.draining)),
  });
  metrics.gauge({
    name: 'drain_left_pieces',
    help: 'Pieces that nobody else has, while this node drains',
    collect: (gauge) => gauge.set(node.departure.figures.pieces),
  });
  metrics.gauge({
    name: 'drain_left_torrents',
    help: 'Torrents that are not elsewhere too, while this node drains',
    collect: (gauge) => gauge.set(node.departure.figures.torrents),
  });
}
