import { createHash } from 'node:crypto';
import { type Endpoint, endpointKey, infoHash, SeededRandom, shuffle } from '@pixtorrent/core';
import type { TorrentShape, WireName } from '@pixtorrent/peer-protocol';
import { type NodeOptions, SimulatedNode } from './simulated-node.ts';
import { reportOn, type SwarmReport } from './swarm-report.ts';
import { type NetworkOptions, VirtualNetwork } from './virtual-network.ts';
import { VirtualTime } from './virtual-time.ts';

export interface SwarmOptions {
  /** The whole run follows from it and from the options. @default 1 */
  readonly seed?: number;
  /** @default 256 pieces of 256 KiB, the last one whole */
  readonly shape?: TorrentShape;
  /** @default 'pixwire' */
  readonly wire?: WireName;
  readonly network?: NetworkOptions;
  /** Peers that the tracker names at most in one answer. @default 50 */
  readonly peersKnown?: number;
  /** How often a node asks the tracker again, milliseconds. @default 30000 */
  readonly announceInterval?: number;
}

export interface SwarmBounds {
  /** Virtual milliseconds. @default 1 hour */
  readonly deadline?: number;
  /** @default 1e9 */
  readonly events?: number;
  /** Ends the run early. @default when every leecher that is still there has finished */
  readonly when?: () => boolean;
}

/** A whole swarm in virtual time: real engines on virtual machines, and a tracker that names peers at random. */
export class SimulatedSwarm {
  readonly time = new VirtualTime();
  readonly network: VirtualNetwork;
  readonly shape: TorrentShape;
  readonly wire: WireName;
  readonly nodes: SimulatedNode[] = [];
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #peersKnown: number;
  readonly #announceInterval: number;
  readonly #byEndpoint = new Map<string, SimulatedNode>();
  readonly #infoHash = infoHash(createHash('sha1').update('simulated').digest());
  #links = 0;
  #unfinished = 0;

  constructor(options: SwarmOptions = {}) {
    this.#seed = options.seed ?? 1;
    this.shape = options.shape ?? shapeOf(256, 256 * 1024);
    this.wire = options.wire ?? 'pixwire';
    this.network = new VirtualNetwork(this.time, options.network);
    this.#peersKnown = options.peersKnown ?? 50;
    this.#announceInterval = options.announceInterval ?? 30_000;
    this.#random = new SeededRandom(this.#seed);
  }

  /** @returns the new node; it joins when virtual time reaches its `joinAt` */
  add(options: NodeOptions = {}): SimulatedNode {
    const node = new SimulatedNode(
      {
        network: this.network,
        shape: this.shape,
        infoHash: this.#infoHash,
        wire: this.wire,
        seed: this.#seed,
        nodeAt: (endpoint: Endpoint) => this.#byEndpoint.get(endpointKey(endpoint)),
        nextLink: () => ++this.#links,
        finished: () => this.#unfinished--,
      },
      this.nodes.length,
      options,
    );
    this.nodes.push(node);
    this.#byEndpoint.set(endpointKey(node.endpoint), node);
    if (counts(node)) this.#unfinished++;
    this.time.at(options.joinAt ?? 0, () => this.#join(node));
    const { leaveAt, killAt, vanishAt } = options;
    if (leaveAt !== undefined) this.time.at(leaveAt, () => this.leave(node));
    if (killAt !== undefined) this.time.at(killAt, () => this.kill(node));
    if (vanishAt !== undefined) this.time.at(vanishAt, () => this.vanish(node));
    return node;
  }

  addSeeders(count: number, options: NodeOptions = {}): SimulatedNode[] {
    return Array.from({ length: count }, () => this.add({ have: 'all', ...options }));
  }

  /** `options` may be given for each by its number, from 0. */
  addLeechers(count: number, options: NodeOptions | ((number: number) => NodeOptions) = {}): SimulatedNode[] {
    return Array.from({ length: count }, (_, number) =>
      this.add(typeof options === 'function' ? options(number) : options),
    );
  }

  leave(node: SimulatedNode): void {
    this.#gone(node, () => node.leave());
  }

  kill(node: SimulatedNode): void {
    this.#gone(node, () => this.network.kill(node.host));
  }

  vanish(node: SimulatedNode): void {
    this.#gone(node, () => this.network.vanish(node.host));
  }

  /** @throws TestkitError `contract` where an engine misuses a port, `too-many-events` */
  run(bounds: SwarmBounds = {}): SwarmReport {
    const when = bounds.when ?? (() => this.#unfinished === 0);
    this.time.run({ until: bounds.deadline ?? 3_600_000, events: bounds.events ?? 1e9, when });
    return this.report();
  }

  report(): SwarmReport {
    return reportOn(this.nodes, this.shape, this.time);
  }

  #gone(node: SimulatedNode, end: () => void): void {
    if (counts(node)) this.#unfinished--;
    end();
  }

  #join(node: SimulatedNode): void {
    if (!node.host.alive || node.left) return;
    node.join();
    this.#announce(node);
  }

  #announce(node: SimulatedNode): void {
    if (!node.expected) return;
    const others = this.nodes.filter(
      (other) => other !== node && other.joined && !other.left && other.host.alive,
    );
    shuffle(others, this.#random);
    const endpoints = others.slice(0, this.#peersKnown).map((other) => other.endpoint);
    if (endpoints.length > 0) node.torrent?.discovered(endpoints);
    this.time.after(this.#announceInterval, () => this.#announce(node));
  }
}

/** Whether the run waits for this node. */
function counts(node: SimulatedNode): boolean {
  return node.expected && node.finishedAt === undefined;
}

/** `last`: bytes in the last piece. @default a whole piece */
export function shapeOf(pieceCount: number, pieceLength: number, last = pieceLength): TorrentShape {
  return { pieceCount, pieceLength, length: (pieceCount - 1) * pieceLength + last };
}
