import type { Client, ClientFigures, DistributionFigures } from '@pixtorrent/client';
import type { Metrics } from '@pixtorrent/service-kit';
import { reading } from './reading.ts';

/** Milliseconds. */
const SECOND = 1000;

/** Of a connection as `PeerFigures` has them. */
const PEER_KINDS = [
  'connected',
  'incoming',
  'encrypted',
  'seeders',
  'unchokesUs',
  'unchoked',
  'interested',
  'interesting',
  'snubbed',
] as const;

/** Each cause is told of from the start: a rate needs a first value. */
const NO_BANS: Required<ClientFigures['bans']> = { 'bad-piece': 0, 'protocol-error': 0, stalls: 0 };

/** What moves between this node and its peers, and what that takes. */
export function addClientMetrics(metrics: Metrics, client: Client): void {
  const figures = reading(() => client.figures());
  addBytes(metrics, figures);
  addPieces(metrics, figures);
  addPeers(metrics, figures);
  addMemory(metrics, figures);
  addTimes(metrics, figures);
  metrics.counter({
    name: 'connections_refused_total',
    help: 'Connections closed because they were plain where TLS is required, or because no TLS came about',
    labels: ['reason'],
    read: () => Object.entries(client.refused).map(([reason, count]) => ({ labels: { reason }, count })),
  });
}

type Figures = () => ClientFigures;

function addBytes(metrics: Metrics, figures: Figures): void {
  metrics.counter({
    name: 'peer_bytes_total',
    help: 'Bytes of content from and to peers, by wire',
    labels: ['direction', 'wire'],
    read: () =>
      (['received', 'sent'] as const).flatMap((direction) =>
        Object.entries(figures()[direction]).map(([wire, count]) => ({ labels: { direction, wire }, count })),
      ),
  });
  metrics.counter({
    name: 'received_bytes_total',
    help: 'Bytes that came from peers: useful in pieces whose hash was right, duplicate or wasted otherwise',
    labels: ['use'],
    read: () =>
      (['useful', 'duplicate', 'wasted'] as const).map((use) => ({
        labels: { use },
        count: figures()[use],
      })),
  });
}

function addPieces(metrics: Metrics, figures: Figures): void {
  metrics.counter({
    name: 'pieces_total',
    help: 'Pieces whose hash was right, whose hash was wrong, and that were here and are lost',
    labels: ['result'],
    read: () => {
      const { piecesVerified, piecesFailed, piecesLost } = figures();
      const counts = { verified: piecesVerified, failed: piecesFailed, lost: piecesLost };
      return Object.entries(counts).map(([result, count]) => ({ labels: { result }, count }));
    },
  });
  metrics.gauge({
    name: 'pieces_writing',
    help: 'Pieces that are being hashed or written',
    collect: (gauge) => gauge.set(figures().writing),
  });
}

function addPeers(metrics: Metrics, figures: Figures): void {
  metrics.gauge({
    name: 'peers',
    help: 'Connections of all torrents by what they are; each is in several',
    labels: ['state'],
    collect: (gauge) => {
      const { peers } = figures();
      for (const kind of PEER_KINDS) gauge.set({ state: snake(kind) }, peers[kind]);
    },
  });
  metrics.gauge({
    name: 'request_window_bytes',
    help: 'Bytes that may be asked for at once, and that are, of all connections',
    labels: ['part'],
    collect: (gauge) => {
      const { window, requested } = figures().peers;
      gauge.set({ part: 'allowed' }, window);
      gauge.set({ part: 'used' }, requested);
    },
  });
  metrics.counter({
    name: 'bans_total',
    help: 'Peers that were banned, by cause',
    labels: ['cause'],
    read: () => counted({ ...NO_BANS, ...figures().bans }, 'cause'),
  });
  metrics.counter({
    name: 'disconnects_total',
    help: 'Connections that ended, by reason',
    labels: ['reason'],
    read: () => counted(figures().disconnects, 'reason'),
  });
}

function addMemory(metrics: Metrics, figures: Figures): void {
  metrics.gauge({
    name: 'slab_bytes',
    help: 'Memory for pieces: used, and free',
    labels: ['state'],
    collect: (gauge) => {
      const { used, free } = figures().slab;
      gauge.set({ state: 'used' }, used);
      gauge.set({ state: 'free' }, free);
    },
  });
  metrics.gauge({
    name: 'slab_waiting',
    help: 'Who waits for memory',
    collect: (gauge) => gauge.set(figures().slab.waiting),
  });
  metrics.gauge({
    name: 'cache_bytes',
    help: 'Bytes of pieces that were read to be sent, and are kept',
    collect: (gauge) => gauge.set(figures().cache.bytes),
  });
  metrics.counter({
    name: 'cache_reads_total',
    help: 'Pieces that were to be sent, by whether they were in memory',
    labels: ['result'],
    read: () => {
      const { hits, misses } = figures().cache;
      return [
        { labels: { result: 'hit' }, count: hits },
        { labels: { result: 'miss' }, count: misses },
      ];
    },
  });
}

function addTimes(metrics: Metrics, figures: Figures): void {
  const add = (name: string, help: string, read: (all: ClientFigures) => DistributionFigures): void =>
    metrics.observed({
      name,
      help,
      buckets: read(figures()).bounds.map((bound) => bound / SECOND),
      read: () => {
        const { counts, sum } = read(figures());
        return [{ labels: {}, counts, sum: sum / SECOND }];
      },
    });
  add('disk_read_seconds', 'One read of the disk, its time in the queue included', (all) => all.diskRead);
  add('disk_write_seconds', 'One write of a piece, its time in the queue included', (all) => all.diskWrite);
  add('hash_seconds', 'One hash of a piece, its time in the queue included', (all) => all.hash);
  add('message_seconds', 'Handling of a decoded message, of one in 64', (all) => all.message);
  add('first_peer_seconds', 'From the start of a torrent to its first connection', (all) => all.firstPeer);
  add(
    'discovery_seconds',
    'From the naming of a peer by a tracker to the connection with it',
    (all) => all.namedPeer,
  );
}

function counted<Label extends string>(
  counts: Readonly<Partial<Record<string, number>>>,
  label: Label,
): { readonly labels: Record<Label, string>; readonly count: number }[] {
  return Object.entries(counts).map(([value, count = 0]) => ({
    labels: { [label]: value } as Record<Label, string>,
    count,
  }));
}

function snake(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
