import { EventEmitter } from 'node:events';
import {
  type Bitfield,
  type Endpoint,
  isPixTorrent,
  type Logger,
  newPeerId,
  type PeerId,
  SeededRandom,
  type Timer,
} from '@pixtorrent/core';
import { type Reputation, type SwarmEvents, type TokenBucket, Torrent } from '@pixtorrent/engine';
import { type Metainfo, pieceSize } from '@pixtorrent/metainfo';
import {
  type CachedPieces,
  type Checkpointer,
  type FileStorage,
  type PeerConnection,
  systemClock,
} from '@pixtorrent/node-io';
import type { WireName } from '@pixtorrent/peer-protocol';
import type { TrackerPeer } from '@pixtorrent/tracker-protocol';
import type { ClientResources } from '../resources.ts';
import { TrackerAnnouncer } from '../trackers/tracker-announcer.ts';
import { PieceBuffers } from './piece-buffers.ts';
import type { SessionEvents, SessionStats, SwarmAvailability } from './session-events.ts';
import type { SessionOptions } from './session-options.ts';
import { SocketInbox } from './socket-inbox.ts';
import { SocketLink } from './socket-link.ts';
import { StallWatch } from './stall-watch.ts';

interface SessionParts {
  readonly metainfo: Metainfo;
  readonly storage: FileStorage;
  readonly have: Bitfield;
  readonly wanted: Bitfield;
  readonly checkpointer: Checkpointer | undefined;
  readonly resources: ClientResources;
  readonly uploadLimits: readonly TokenBucket[];
  readonly downloadLimits: readonly TokenBucket[];
  readonly reputation: Reputation;
  readonly logger: Logger;
}

/** How often a torrent without enough peers asks its tracker for more, milliseconds. */
const NEED_PEERS_PERIOD = 5000;
/** Peers below which it asks. */
const ENOUGH_PEERS = 8;

/** One torrent of a client: the engine, joined to sockets, disk and trackers. */
export class TorrentSession extends EventEmitter<SessionEvents> {
  readonly metainfo: Metainfo;
  readonly peerId: PeerId = newPeerId();
  readonly #parts: SessionParts;
  readonly #options: SessionOptions;
  readonly #torrent: Torrent;
  readonly #buffers: PieceBuffers;
  readonly #cache: CachedPieces;
  readonly #announcer: TrackerAnnouncer;
  readonly #dials = new AbortController();
  readonly #total: number;
  readonly #wasCompleteAtStart: boolean;
  readonly #stalls = new StallWatch(systemClock);
  #peersTimer: Timer | undefined;
  #haveBytes: number;
  #wasted = 0;
  #closing: Promise<void> | undefined;

  constructor(parts: SessionParts, options: SessionOptions) {
    super();
    this.metainfo = parts.metainfo;
    this.#parts = parts;
    this.#options = options;
    const { metainfo, storage, resources, checkpointer } = parts;
    this.#cache = resources.cache.open(storage, metainfo);
    this.#buffers = new PieceBuffers({
      metainfo,
      storage,
      slab: resources.slab,
      hasher: resources.hasher,
      cache: this.#cache,
      checkpointer,
      failed: (error) => this.#fail(error),
    });
    this.#torrent = new Torrent(
      {
        clock: systemClock,
        timers: resources.timers,
        random: new SeededRandom(resources.seed()),
        pieces: this.#buffers,
        dialler: { dial: (endpoint, wire) => void this.#dial(endpoint, wire) },
        events: this.#events(),
      },
      {
        shape: metainfo,
        infoHash: metainfo.infoHash,
        peerId: this.peerId,
        have: parts.have,
        wanted: parts.wanted,
        metadata: metainfo.infoBytes,
        port: resources.port,
        clientName: resources.clientName,
        order: options.order ?? 'rarest-first',
        superSeed: options.superSeed ?? false,
        uploadLimits: parts.uploadLimits,
        downloadLimits: parts.downloadLimits,
        ...(options.wires && { wires: options.wires }),
      },
      parts.reputation,
    );
    this.#buffers.attach(this.#torrent);
    this.#total = bytesOf(metainfo, parts.wanted, parts.wanted);
    this.#haveBytes = bytesOf(metainfo, parts.have, parts.wanted);
    this.#wasCompleteAtStart = this.#torrent.pieces.complete;
    this.#announcer = this.#newAnnouncer();
  }

  get complete(): boolean {
    return this.#torrent.pieces.complete;
  }

  /** Starts to look for peers, to take and to give. */
  start(): void {
    this.#torrent.start();
    this.#torrent.discovered(this.#options.peers ?? []);
    this.#announcer.start();
    this.#watchPeers();
  }

  stats(): SessionStats {
    const now = systemClock.now();
    const { received, sent, peers, have } = this.#torrent;
    return {
      downloaded: received.total,
      uploaded: sent.total,
      have: this.#haveBytes,
      total: this.#total,
      downRate: received.rate(now),
      upRate: sent.rate(now),
      peers: peers.size,
      pieces: have.count,
      wasted: this.#wasted,
    };
  }

  /** A copy of the set of pieces that are here. */
  bitfield(): Bitfield {
    return this.#torrent.have.clone();
  }

  /** In constant time. */
  availability(): SwarmAvailability {
    const { availability, soleBytes } = this.#torrent.pieces;
    return { rarest: availability.rarest, sole: availability.sole, soleBytes };
  }

  /** Adds peers to those that are tried. */
  addPeers(peers: readonly Endpoint[]): void {
    this.#torrent.discovered(peers);
  }

  /** Asks for a range of the content before all else; offsets in bytes, `within` in milliseconds from now. */
  prefer(offset: number, length: number, within: number): void {
    const { pieceLength } = this.metainfo;
    const last = Math.floor((offset + length - 1) / pieceLength);
    const first = Math.floor(offset / pieceLength);
    for (let piece = first; piece <= last; piece++) {
      this.#torrent.setDeadline(piece, systemClock.now() + within + (piece - first));
    }
  }

  /** Takes a connection whose handshake was read; `endpoint`: where it was dialled, if it was. */
  accept(connection: PeerConnection, endpoint: Endpoint = connection.remote): void {
    const link = new SocketLink(connection, {
      buffers: this.#buffers,
      cache: this.#cache,
      readFailed: (piece, error) => this.#lost(piece, error),
    });
    const inbox = new SocketInbox(link, this.#buffers);
    connection.attach(inbox);
    const { incoming, handshake } = connection;
    const peer = this.#torrent.connected(link, { endpoint, incoming, handshake });
    link.sender = peer;
    inbox.peer = peer;
  }

  /** Leaves the swarm, waits for the disk, and records what is there. May be called more than once. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#peersTimer?.cancel();
    this.#dials.abort();
    this.#torrent.stop();
    const farewell = this.#announcer.stop();
    await this.#buffers.close();
    await this.#parts.checkpointer?.close();
    this.#cache.close();
    await this.#parts.storage.close();
    await farewell;
  }

  async #dial(endpoint: Endpoint, wire: WireName | undefined): Promise<void> {
    const { metainfo, resources } = this.#parts;
    const { infoHash } = metainfo;
    try {
      const options = { infoHash, peerId: this.peerId, shape: metainfo, wire, signal: this.#dials.signal };
      this.accept(await resources.transport.dial(endpoint, options), endpoint);
    } catch (error) {
      this.#parts.logger.debug('dial failed', {
        host: endpoint.host,
        port: endpoint.port,
        why: String(error),
      });
      this.#torrent.dialFailed(endpoint);
    }
  }

  #events(): SwarmEvents {
    const { logger, wanted } = this.#parts;
    return {
      pieceVerified: (piece) => {
        if (wanted.has(piece)) this.#haveBytes += pieceSize(this.metainfo, piece);
        this.emit('piece', piece);
      },
      pieceFailed: (piece, contributors) => logger.warn('piece failed its hash', { piece, contributors }),
      peerConnected: (peer) => logger.debug('peer connected', { peer }),
      peerDisconnected: (peer, reason) => logger.debug('peer disconnected', { peer, reason }),
      peerBanned: (peer, cause) => {
        logger.warn('peer banned', { peer, cause });
        this.emit('banned', peer, cause);
      },
      wasted: (bytes) => {
        this.#wasted += bytes;
      },
      complete: () => {
        if (!this.#wasCompleteAtStart) this.#announcer.completed();
        this.emit('complete');
      },
    };
  }

  #newAnnouncer(): TrackerAnnouncer {
    const { resources, logger, metainfo } = this.#parts;
    const extra = (this.#options.trackers ?? []).map((url) => [url]);
    return new TrackerAnnouncer(
      {
        announce: resources.announce,
        clock: systemClock,
        timers: resources.timers,
        random: new SeededRandom(resources.seed()),
        logger,
        figures: () => {
          const { uploaded, downloaded, total, have } = this.stats();
          return { uploaded, downloaded, left: total - have };
        },
        onPeers: (peers) => this.#discovered(peers),
        onStatus: (tracker, status) => {
          logger.debug('tracker', { tracker, status: status.type });
          this.emit('tracker', tracker, status);
        },
      },
      {
        tiers: [...metainfo.trackers, ...extra],
        infoHash: metainfo.infoHash,
        peerId: this.peerId,
        port: resources.port,
        pixwire: this.#options.wires?.includes('pixwire') ?? true,
      },
    );
  }

  /** A compact answer names no peer ID: there the handshake shows who speaks PixWire. */
  #discovered(peers: readonly TrackerPeer[]): void {
    const ours = peers.filter(({ peerId, pixwire }) => pixwire || (peerId && isPixTorrent(peerId)));
    this.#torrent.discovered(ours, 'pixwire');
    this.#torrent.discovered(peers.filter((peer) => !ours.includes(peer)));
  }

  #watchPeers(): void {
    const stalled = this.#stalls.look(this.#torrent.received.total, this.complete);
    if (stalled || (!this.complete && this.#torrent.peers.size < ENOUGH_PEERS))
      this.#announcer.needPeers(stalled);
    this.#peersTimer = this.#parts.resources.timers.after(NEED_PEERS_PERIOD, () => this.#watchPeers());
  }

  #lost(piece: number, error: Error): void {
    if (!this.#torrent.have.has(piece)) return;
    this.#torrent.readFailed(piece);
    if (this.#parts.wanted.has(piece)) this.#haveBytes -= pieceSize(this.metainfo, piece);
    this.#parts.logger.warn('a piece cannot be read any more', { piece, why: error.message });
    this.emit('lost', piece, error);
  }

  #fail(error: Error): void {
    this.#torrent.stop();
    this.emit('failed', error);
  }
}

function bytesOf(metainfo: Metainfo, pieces: Bitfield, among: Bitfield): number {
  let bytes = 0;
  for (const piece of pieces) if (among.has(piece)) bytes += pieceSize(metainfo, piece);
  return bytes;
}
