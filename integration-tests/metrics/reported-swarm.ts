import { once } from 'node:events';
import { credentials } from '@grpc/grpc-js';
import { metrics as wire } from '@pixtorrent/contracts';
import { SeededRandom } from '@pixtorrent/core';
import type { Scope } from '../support/scope.ts';

const HOST = '127.0.0.1';
const PIECE = 2 ** 20;

export interface ReportedSwarmOptions {
  /** The seeder is one of them. */
  readonly nodes: number;
  readonly pieces: number;
  readonly zones: number;
  /** NAME@VERSION. */
  readonly name: string;
}

interface ReportedNode {
  readonly name: string;
  readonly zone: string;
  readonly call: ReturnType<wire.MetricsServiceClient['report']>;
  readonly has: Uint8Array;
  count: number;
  sequence: number;
  received: number;
  sent: number;
  stalledMs: number;
}

/** Many nodes as the metrics service hears of them, each by a stream of its own: what a large swarm looks like to it. */
export class ReportedSwarm {
  readonly nodes: readonly ReportedNode[];
  readonly infoHash: Buffer;
  readonly #options: ReportedSwarmOptions;
  readonly #random = new SeededRandom(7);

  /** Begins the streams; the first has all pieces, the others none. They end with the scope. */
  static async start(scope: Scope, grpc: number, options: ReportedSwarmOptions): Promise<ReportedSwarm> {
    const client = new wire.MetricsServiceClient(`${HOST}:${grpc}`, credentials.createInsecure());
    scope.defer(() => client.close());
    const swarm = new ReportedSwarm(client, options);
    scope.defer(() => {
      for (const { call } of swarm.nodes) call.cancel();
    });
    await Promise.all(swarm.nodes.map((node) => swarm.#report(node, undefined, [])));
    return swarm;
  }

  private constructor(client: wire.MetricsServiceClient, options: ReportedSwarmOptions) {
    this.#options = options;
    this.infoHash = Buffer.alloc(20, options.name);
    this.nodes = Array.from({ length: options.nodes }, (_, n) => {
      const call = client.report();
      call.on('error', () => {});
      return {
        name: n === 0 ? 'seeder' : `node-${n}`,
        zone: `zone-${String.fromCharCode(97 + (n % options.zones))}`,
        call,
        has: new Uint8Array(options.pieces).fill(n === 0 ? 1 : 0),
        count: n === 0 ? options.pieces : 0,
        sequence: 0,
        received: 0,
        sent: 0,
        stalledMs: 0,
      };
    });
  }

  get isWhole(): boolean {
    return this.nodes.every(({ count }) => count === this.#options.pieces);
  }

  /** A node wants data and gets none. */
  async stall(n: number): Promise<void> {
    const node = this.nodes[n]!;
    node.stalledMs = 20_000;
    await this.#report(node, [], []);
  }

  /** Every node gets up to so many pieces from nodes that have them, and reports. */
  async step(pieces: number): Promise<void> {
    const random = this.#random;
    const gains = this.nodes.map((node) => {
      const came = new Set<number>();
      const from = new Map<ReportedNode, number>();
      const mine = Math.ceil(pieces / 2) + random.below(pieces + 1);
      for (let tries = 0; came.size < mine && tries < 8 * mine; tries++) {
        const piece = random.below(node.has.length);
        if (node.has[piece] === 1 || came.has(piece)) continue;
        const giver = this.#giver(node, piece);
        if (giver === undefined) continue;
        came.add(piece);
        from.set(giver, (from.get(giver) ?? 0) + PIECE);
      }
      return { node, came: [...came].sort((a, b) => a - b), from };
    });
    for (const { node, came, from } of gains) {
      for (const piece of came) node.has[piece] = 1;
      node.count += came.length;
      node.received += came.length * PIECE;
      for (const [giver, bytes] of from) giver.sent += bytes;
    }
    await Promise.all(
      gains.map(({ node, came, from }) =>
        this.#report(
          node,
          came,
          [...from].map(([{ name }, received]) => ({ peer: name, received, sent: 0 })),
        ),
      ),
    );
  }

  /** One of a handful of peers; each node has others, and half of them in its zone. */
  #giver(to: ReportedNode, piece: number): ReportedNode | undefined {
    const { nodes } = this;
    const mine = nodes.indexOf(to);
    for (let tries = 0; tries < 4; tries++) {
      const step = 1 + this.#random.below(8);
      const node = nodes[(mine * step + step * (step % 2 === 0 ? this.#options.zones : 7)) % nodes.length]!;
      if (node !== to && node.has[piece] === 1) return node;
    }
    return this.#random.below(10) > 0 ? undefined : nodes[0];
  }

  async #report(node: ReportedNode, came: number[] | undefined, peers: wire.PeerBytes[]): Promise<void> {
    const { name, pieces } = this.#options;
    const answered = once(node.call, 'data');
    node.call.write({
      node: node.name,
      zone: node.zone,
      sequence: ++node.sequence,
      sentMs: 0,
      torrents: [
        {
          infoHash: this.infoHash,
          shape: came === undefined ? { name, size: pieces * PIECE, pieceLength: PIECE, pieces } : undefined,
          pieces:
            came === undefined
              ? { $case: 'snapshot', snapshot: packed(node.has) }
              : { $case: 'changes', changes: { came, went: [] } },
          received: node.received,
          sent: node.sent,
          duplicate: 0,
          wasted: 0,
          failed: 0,
          stalledMs: node.stalledMs,
          peers,
          connected: 0,
          partial: false,
          announced: true,
        },
      ],
      gone: [],
      counters: undefined,
    });
    await answered;
  }
}

function packed(has: Uint8Array): Buffer {
  const bits = Buffer.alloc(Math.ceil(has.length / 8));
  has.forEach((there, piece) => {
    if (there === 1) bits[piece >>> 3]! |= 0x80 >>> (piece & 7);
  });
  return bits;
}
