import {
  Bitfield,
  type Endpoint,
  type InfoHash,
  type PeerId,
  peerId,
  SeededRandom,
  type Timers,
} from '@pixtorrent/core';
import { type BanCause, type SwarmEvents, Torrent, type TorrentOptions } from '@pixtorrent/engine';
import {
  DEFAULT_LIMITS,
  encodeHandshake,
  type PeerHandshake,
  parseHandshake,
  type TorrentShape,
  type WireName,
} from '@pixtorrent/peer-protocol';
import { SilentPeer } from './silent-peer.ts';
import { Trace } from './trace.ts';
import type { HostRates, VirtualHost } from './virtual-host.ts';
import type { VirtualNetwork } from './virtual-network.ts';
import { type LinkContext, type LinkCounters, type PeerInbox, VirtualPeerLink } from './virtual-peer-link.ts';
import { type PieceIoOptions, VirtualPieceIo } from './virtual-piece-io.ts';
import type { VirtualSocket } from './virtual-socket.ts';

/**
 * `engine`: runs the real engine. `silent`: greets, says that it has everything, unchokes, and never answers a
 * request. `mute`: takes the connection and says nothing at all.
 */
export type NodeBehaviour = 'engine' | 'silent' | 'mute';

/** One machine of a simulated swarm. Times are milliseconds of virtual time. */
export interface NodeOptions extends HostRates {
  /** @default 'engine' */
  readonly behaviour?: NodeBehaviour;
  /** Pieces that it has at first. @default none */
  readonly have?: 'all' | Iterable<number>;
  /** @default 0 */
  readonly joinAt?: number;
  /** Stops its torrent in good order. @default never */
  readonly leaveAt?: number;
  /** Loses all connections at once, by resets. @default never */
  readonly killAt?: number;
  /** Falls silent without a reset. @default never */
  readonly vanishAt?: number;
  /** Disk and memory; `corrupts` makes a liar of it. */
  readonly pieces?: PieceIoOptions;
  /** More for its torrent. */
  readonly torrent?: Partial<TorrentOptions>;
}

/** What a node needs from the swarm around it. */
export interface NodeSurroundings {
  readonly network: VirtualNetwork;
  readonly shape: TorrentShape;
  readonly infoHash: InfoHash;
  readonly wire: WireName;
  readonly seed: number;
  readonly nodeAt: (endpoint: Endpoint) => SimulatedNode | undefined;
  readonly nextLink: () => number;
  readonly finished: (node: SimulatedNode) => void;
}

const PORT = 6881;
const FIRST_EPHEMERAL_PORT = 32_768;

/** Kinds of trace records that are not messages. */
const VERIFIED = 301;
const FAILED = 302;

/** A host with an engine of its own (or a stranger in place of one), its disk, and what it counted. */
export class SimulatedNode implements LinkCounters {
  readonly index: number;
  readonly options: NodeOptions;
  readonly endpoint: Endpoint;
  readonly peerId: PeerId;
  readonly host: VirtualHost;
  readonly pieces: VirtualPieceIo;
  readonly trace = new Trace();
  /** Undefined for a stranger without an engine. */
  readonly torrent: Torrent | undefined;
  joined = false;
  left = false;
  /** When it had all pieces; undefined before, 0 for a seeder. */
  finishedAt: number | undefined;
  payloadSent = 0;
  payloadReceived = 0;
  payloadDropped = 0;
  wasted = 0;
  failedPieces = 0;
  readonly bans: { readonly key: string; readonly cause: BanCause }[] = [];
  readonly #around: NodeSurroundings;
  readonly #context: LinkContext;
  #links: VirtualPeerLink[] = [];

  constructor(around: NodeSurroundings, index: number, options: NodeOptions) {
    const { network, shape } = around;
    this.#around = around;
    this.index = index;
    this.options = options;
    this.endpoint = { host: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, port: PORT };
    this.peerId = peerId(Buffer.from(`-PX0100-${String(index).padStart(12, '0')}`));
    this.host = network.host(this.endpoint.host, options);
    const have = new Bitfield(shape.pieceCount);
    if (options.have === 'all') have.fill();
    else for (const piece of options.have ?? []) have.add(piece);
    if (have.complete) this.finishedAt = 0;
    const alive = (): boolean => this.host.alive;
    this.pieces = new VirtualPieceIo(network.time, shape, have, index + 1, alive, options.pieces);
    this.#context = {
      time: network.time,
      pieces: this.pieces,
      trace: this.trace,
      counters: this,
      readFailed: (piece) => {
        if (!this.host.alive) return;
        this.pieces.noteLost(piece);
        this.torrent?.readFailed(piece);
      },
    };
    if ((options.behaviour ?? 'engine') === 'engine') this.torrent = this.#newTorrent(have);
    this.pieces.client = this.torrent!;
  }

  /** The connections of its engine, in the order in which they came. */
  get links(): readonly VirtualPeerLink[] {
    this.#links = this.#links.filter((link) => link.open);
    return this.#links;
  }

  /** Whether this node is one whose finish counts. */
  get expected(): boolean {
    return this.torrent !== undefined && !this.left && this.host.alive;
  }

  join(): void {
    this.joined = true;
    this.torrent?.start();
  }

  leave(): void {
    this.left = true;
    this.torrent?.stop();
  }

  dial(to: SimulatedNode, endpoint: Endpoint): void {
    const torrent = this.torrent!;
    this.#around.network.dial(
      this.host,
      to.host,
      (socket) => to.#accepted(socket, this, true),
      (socket) => this.#accepted(socket, to, false),
      () => torrent.dialFailed(endpoint),
    );
  }

  #accepted(socket: VirtualSocket, remote: SimulatedNode, incoming: boolean): void {
    const { wire, nextLink } = this.#around;
    const endpoint = incoming ? { host: remote.endpoint.host, port: FIRST_EPHEMERAL_PORT } : remote.endpoint;
    const link = new VirtualPeerLink(this.#context, socket, wire, nextLink());
    if (this.torrent === undefined) {
      link.inbox = new SilentPeer(link);
      return;
    }
    this.#links.push(link);
    const handshake = remote.#handshake();
    link.inbox = this.torrent.connected(link, { endpoint, incoming, handshake }) satisfies
      | PeerInbox
      | undefined;
  }

  #handshake(): PeerHandshake {
    const { wire, infoHash } = this.#around;
    return parseHandshake(
      wire,
      encodeHandshake(wire, infoHash, this.peerId, DEFAULT_LIMITS),
    ) as PeerHandshake;
  }

  #newTorrent(have: Bitfield): Torrent {
    const { network, shape, infoHash, seed, nodeAt } = this.#around;
    const { time } = network;
    const timers: Timers = {
      after: (delay, callback) => time.after(delay, () => this.host.alive && callback()),
    };
    return new Torrent(
      {
        clock: time,
        timers,
        random: new SeededRandom(seed * 65_537 + this.index),
        pieces: this.pieces,
        dialler: {
          dial: (endpoint) => {
            const to = nodeAt(endpoint);
            if (to !== undefined && to.options.behaviour !== 'mute') this.dial(to, endpoint);
            else time.after(to === undefined ? 0 : 10_000, () => this.torrent?.dialFailed(endpoint));
          },
        },
        events: this.#events(),
      },
      { shape, infoHash, peerId: this.peerId, have, ...this.options.torrent },
    );
  }

  #events(): SwarmEvents {
    const { time } = this.#around.network;
    return {
      pieceVerified: (piece, remaining) => this.trace.record(time.now(), VERIFIED, piece, remaining, 0),
      pieceFailed: (piece, contributors) => {
        this.failedPieces++;
        this.trace.record(time.now(), FAILED, piece, contributors, 0);
      },
      complete: () => {
        if (this.finishedAt !== undefined) return;
        this.finishedAt = time.now();
        this.#around.finished(this);
      },
      peerBanned: (key, cause) => this.bans.push({ key, cause }),
      wasted: (bytes) => {
        this.wasted += bytes;
      },
    };
  }
}
