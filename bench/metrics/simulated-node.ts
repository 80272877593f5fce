import { credentials } from '@grpc/grpc-js';
import { metrics as wire } from '@pixtorrent/contracts';
import { SeededRandom } from '@pixtorrent/core';

export interface Simulation {
  readonly nodes: number;
  readonly swarms: number;
  /** Of each swarm. */
  readonly pieces: number;
  /** That a node gets between two reports. */
  readonly gets: number;
}

/** Bytes. */
const PIECE = 2 ** 20;
/** Peers that a node gets pieces from. */
const PEERS = 20;
const ZONES = ['a', 'b', 'c'];

/** A node that reports, as a peer-node does: all its torrents first, then what has changed, one swarm after another. */
export class SimulatedNode {
  readonly #simulation: Simulation;
  readonly #number: number;
  readonly #random: SeededRandom;
  readonly #client: wire.MetricsServiceClient;
  readonly #stream: ReturnType<wire.MetricsServiceClient['report']>;
  readonly #torrents: wire.TorrentReport[];
  #sequence = 0;
  /** The swarm that it gets pieces of, and those that it lacks still, in the order in which it gets them. */
  #current: number;
  #lacks: Uint32Array;

  /** @param onError the stream has ended, which it is not to */
  constructor(address: string, number: number, simulation: Simulation, onError: (error: Error) => void) {
    this.#simulation = simulation;
    this.#number = number;
    this.#random = new SeededRandom(number);
    this.#client = new wire.MetricsServiceClient(address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    this.#stream = this.#client.report();
    this.#stream.on('error', onError);
    this.#stream.on('data', ({ unknown, all }: wire.ReportResponse) => {
      if (unknown.length > 0 || all) onError(new Error('what was told has been lost'));
    });
    // Nodes are in all stages: a tenth has everything, the others have begun anywhere.
    this.#current = number % 10 === 0 ? simulation.swarms : number % simulation.swarms;
    this.#torrents = Array.from({ length: simulation.swarms }, (_, swarm) => this.#torrent(swarm));
    this.#lacks = this.#shuffled();
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }

  report(): void {
    if (this.#sequence > 0) this.#progress();
    this.#stream.write({
      node: nameOf(this.#number),
      zone: ZONES[this.#number % ZONES.length]!,
      sequence: ++this.#sequence,
      sentMs: Date.now(),
      torrents: this.#torrents,
      gone: [],
      counters: { bans: { stalls: this.#sequence }, discoveryMs: 20, messageMs: 0.5 },
    });
    for (const torrent of this.#torrents) {
      torrent.shape = undefined;
      torrent.pieces = undefined;
      torrent.peers = [];
    }
  }

  #progress(): void {
    const { gets, swarms, nodes } = this.#simulation;
    const torrent = this.#torrents[this.#current];
    if (torrent === undefined) return;
    const came = [...this.#lacks.subarray(0, gets)].sort((a, b) => a - b);
    this.#lacks = this.#lacks.subarray(came.length);
    torrent.pieces = { $case: 'changes', changes: { came, went: [] } };
    const bytes = came.length * PIECE;
    torrent.received += bytes;
    torrent.sent += bytes;
    torrent.duplicate += 16_384;
    torrent.peers = Array.from({ length: PEERS }, () => ({
      peer: nameOf(this.#random.below(nodes)),
      received: Math.floor(bytes / PEERS),
      sent: Math.floor(bytes / PEERS),
    }));
    if (this.#lacks.length > 0) return;
    this.#current = Math.min(this.#current + 1, swarms);
    this.#lacks = this.#shuffled();
  }

  #torrent(swarm: number): wire.TorrentReport {
    const { pieces } = this.#simulation;
    const snapshot = Buffer.alloc(Math.ceil(pieces / 8), swarm < this.#current ? 0xff : 0);
    if (pieces % 8 > 0) snapshot[snapshot.length - 1]! &= 0xff << (8 - (pieces % 8));
    return {
      infoHash: Buffer.alloc(20, swarm + 1),
      shape: { name: `models/${swarm}@1`, size: pieces * PIECE, pieceLength: PIECE, pieces },
      pieces: { $case: 'snapshot', snapshot },
      received: 0,
      sent: 0,
      duplicate: 0,
      wasted: 0,
      failed: 0,
      stalledMs: 0,
      peers: [],
      connected: PEERS,
      partial: false,
      announced: true,
    };
  }

  #shuffled(): Uint32Array {
    const order = Uint32Array.from({ length: this.#simulation.pieces }, (_, piece) => piece);
    for (let left = order.length; left > 1; left--) {
      const other = this.#random.below(left);
      [order[left - 1], order[other]] = [order[other]!, order[left - 1]!];
    }
    return order;
  }
}

function nameOf(node: number): string {
  return `node-${node}`;
}
