import { EventEmitter } from 'node:events';
import {
  type Bitfield,
  type Endpoint,
  type Logger,
  newPeerId,
  type PeerId,
  SeededRandom,
} from '@pixtorrent/core';
import { type Peer, type Reputation, Torrent } from '@pixtorrent/engine';
import type { Metainfo } from '@pixtorrent/metainfo';
import {
  type CachedPieces,
  deleteContent,
  type PeerConnection,
  type Storage,
  systemClock,
} from '@pixtorrent/node-io';
import type { WireName } from '@pixtorrent/peer-protocol';
import { ClientError } from '../errors.ts';
import { timedReads } from '../figures/timed-reads.ts';
import { type Limits, RateLimits } from '../rate-limits.ts';
import type { ClientResources } from '../resources.ts';
import { type ConnectedPeer, connectedPeer } from './connected-peer.ts';
import { type DrainProgress, drainProgress } from './draining.ts';
import { observedSwarm, type SessionConcerns } from './observed-swarm.ts';
import type { OpenContent } from './open-content.ts';
import { PeerSearch } from './peer-search.ts';
import { PieceBuffers } from './piece-buffers.ts';
import { Progress } from './progress.ts';
import { ContentReader, type ReadOptions } from './reading/content-reader.ts';
import { PieceDemand } from './reading/piece-demand.ts';
import { type ScrubOptions, type ScrubProgress, scrub } from './scrubbing.ts';
import type { SessionEvents, SessionStats, SwarmAvailability } from './session-events.ts';
import type { SessionOptions } from './session-options.ts';
import { SocketInbox } from './socket-inbox.ts';
import { SocketLink } from './socket-link.ts';

interface SessionParts extends OpenContent {
  readonly metainfo: Metainfo;
  readonly wanted: Bitfield;
  readonly resources: ClientResources;
  /** Of all torrents together. */
  readonly allLimits: RateLimits;
  readonly reputation: Reputation;
  readonly logger: Logger;
}

/** One torrent of a client: the engine, joined to sockets, disk and trackers. */
export class TorrentSession extends EventEmitter<SessionEvents> {
  readonly metainfo: Metainfo;
  readonly peerId: PeerId = newPeerId();
  readonly #parts: SessionParts;
  readonly #options: SessionOptions;
  readonly #limits: RateLimits;
  readonly #torrent: Torrent;
  readonly #buffers: PieceBuffers;
  readonly #cache: CachedPieces;
  readonly #search: PeerSearch;
  readonly #demand: PieceDemand;
  readonly #dials = new AbortController();
  readonly #progress: Progress;
  readonly #wasCompleteAtStart: boolean;
  readonly #reads: Pick<Storage, 'read'>;
  #startedAt: number | undefined;
  #wasted = 0;
  #duplicate = 0;
  #failed = 0;
  #lostSome = false;
  #closing: Promise<void> | undefined;

  constructor(parts: SessionParts, options: SessionOptions) {
    super();
    this.metainfo = parts.metainfo;
    this.#parts = parts;
    this.#options = options;
    this.#limits = new RateLimits(options);
    const { metainfo, storage, resources, checkpointer } = parts;
    const { counters } = resources;
    this.#reads = timedReads(storage, counters.diskRead);
    this.#cache = resources.cache.open(this.#reads, metainfo);
    this.#buffers = new PieceBuffers({
      metainfo,
      storage,
      slab: resources.slab,
      hasher: resources.hasher,
      cache: this.#cache,
      checkpointer,
      failed: (error) => this.#fail(error),
      clock: systemClock,
      latencies: counters,
    });
    this.#torrent = new Torrent(
      {
        clock: systemClock,
        timers: resources.timers,
        random: new SeededRandom(resources.seed()),
        pieces: this.#buffers,
        dialler: { dial: (endpoint, wire) => void this.#dial(endpoint, wire) },
        events: observedSwarm({ metainfo, counters, logger: parts.logger }, this.#concerns()),
      },
      {
        shape: metainfo,
        infoHash: metainfo.infoHash,
        peerId: this.peerId,
        have: parts.have,
        wanted: parts.wanted,
        selective: options.selective ?? false,
        metadata: metainfo.infoBytes,
        port: resources.port,
        clientName: resources.clientName,
        order: options.order ?? 'rarest-first',
        superSeed: options.superSeed ?? false,
        uploadLimits: [parts.allLimits.upload, this.#limits.upload],
        downloadLimits: [parts.allLimits.download, this.#limits.download],
        ...(options.wires && { wires: options.wires }),
      },
      parts.reputation,
    );
    this.#buffers.attach(this.#torrent);
    const time = { clock: systemClock, timers: resources.timers };
    this.#demand = new PieceDemand(this.#torrent, time, options.selective ?? false);
    this.#progress = new Progress(metainfo, parts.have, options.selective ? undefined : parts.wanted);
    this.#wasCompleteAtStart = this.#torrent.pieces.complete;
    this.#search = this.#newSearch();
  }

  get complete(): boolean {
    return this.#torrent.pieces.complete;
  }

  /** Starts to look for peers, to take and to give. */
  start(): void {
    this.#startedAt = systemClock.now();
    this.#torrent.start();
    this.#search.start();
  }

  stats(): SessionStats {
    const now = systemClock.now();
    const { received, sent, peers, have } = this.#torrent;
    return {
      downloaded: received.total,
      uploaded: sent.total,
      have: this.#progress.have,
      total: this.#progress.total,
      downRate: received.rate(now),
      upRate: sent.rate(now),
      peers: peers.size,
      pieces: have.count,
      wasted: this.#wasted,
      duplicate: this.#duplicate,
      failed: this.#failed,
    };
  }

  /** A copy of the set of pieces that are here. */
  bitfield(): Bitfield {
    return this.#torrent.have.clone();
  }

  /** In constant time. */
  availability(): SwarmAvailability {
    return this.#torrent.availability();
  }

  /** Adds peers to those that are tried. @param wire that they are known to speak: it is tried first */
  addPeers(peers: readonly Endpoint[], wire?: WireName): void {
    this.#search.add(peers, wire);
  }

  /**
   * Reads a range of the content, in bytes, in order: what is not here yet is got before all else, and handed over as
   * soon as it is verified. It begins when the first chunk is asked for, and is to be read to its end, returned or
   * aborted. The chunks are the caller's own.
   * @throws RangeError at once; while it is read ClientError, StorageError, and the signal's reason
   */
  read(offset: number, length: number, options: ReadOptions = {}): AsyncGenerator<Buffer, void, void> {
    const { metainfo } = this.#parts;
    const reader = new ContentReader(
      {
        metainfo,
        source: this.#torrent,
        demand: this.#demand,
        storage: this.#reads,
        buffers: this.#buffers,
        lost: (piece, error) => this.#lost(piece, error),
      },
      offset,
      length,
      options,
    );
    return reader.chunks();
  }

  /**
   * Where a file of the content is, so that it can be sent without passing through this process: its bytes are all
   * there, and do not change as long as the torrent is not removed with its data (who has it open keeps it even then).
   * @param file index into `metainfo.files`
   * @returns undefined while something of it is missing, for padding, and for a file that was not selected
   */
  fileOnDisk(file: number): string | undefined {
    const { storage, metainfo } = this.#parts;
    const entry = metainfo.files[file];
    if (!entry || !storage.layout.kept[file]) return undefined;
    const { pieceLength } = metainfo;
    const end = entry.length === 0 ? 0 : entry.offset + entry.length;
    for (let piece = Math.floor(entry.offset / pieceLength); piece * pieceLength < end; piece++) {
      if (!this.#torrent.have.has(piece) || this.#buffers.unwritten(piece)) return undefined;
    }
    return storage.path(file);
  }

  /**
   * Before this node leaves: takes nothing any more, and offers first what only it has. To be followed by `close`, which
   * tells the peers; what is read here then may not come any more.
   * @returns how that gets on: at once, at each change, and last with `sole` 0; throws the signal's reason
   */
  drain(signal?: AbortSignal): AsyncGenerator<DrainProgress, void, void> {
    this.#torrent.drain();
    return drainProgress(this.#torrent, this.#parts.resources.timers, signal);
  }

  /**
   * Hashes again what is on the disk, a piece at a time. A piece that is wrong or cannot be read is offered no longer,
   * and is got again. Where the signal does not end it, it goes on to the last piece.
   * @throws the signal's reason; StorageError `closed`
   */
  scrub(options: ScrubOptions = {}): AsyncGenerator<ScrubProgress, void, void> {
    const { metainfo, resources } = this.#parts;
    const { hasher, timers } = resources;
    const lost = (piece: number, error: Error): void => this.#lost(piece, error);
    const parts = {
      metainfo,
      source: this.#torrent,
      storage: this.#reads,
      buffers: this.#buffers,
      hasher,
      timers,
      lost,
    };
    return scrub(parts, options);
  }

  /** For this torrent alone. */
  get limits(): Limits {
    return this.#limits.current;
  }

  /** Takes effect at once; what is left out stays as it is. @throws RangeError for a rate below 0 */
  setLimits(limits: Partial<Limits>): void {
    this.#limits.set(limits);
  }

  /** Who is connected. */
  peers(): ConnectedPeer[] {
    const now = systemClock.now();
    return [...this.#torrent.peers].map((peer) => connectedPeer(peer, now));
  }

  /** For the client's figures. */
  get connections(): Iterable<Peer> {
    return this.#torrent.peers;
  }

  /** For the client's figures: pieces that are being hashed or written. */
  get writing(): number {
    return this.#buffers.writing;
  }

  /** Takes a connection whose handshake was read; `endpoint`: where it was dialled, if it was. */
  accept(connection: PeerConnection, endpoint: Endpoint = connection.remote): void {
    const link = new SocketLink(connection, {
      buffers: this.#buffers,
      cache: this.#cache,
      readFailed: (piece, error) => this.#lost(piece, error),
    });
    const inbox = new SocketInbox(link, this.#buffers, this.#parts.resources.counters.message);
    connection.attach(inbox);
    const { incoming, handshake, encrypted } = connection;
    const peer = this.#torrent.connected(link, { endpoint, incoming, handshake, encrypted });
    link.sender = peer;
    inbox.peer = peer;
  }

  /** Leaves the swarm, waits for the disk, and records what is there. May be called more than once. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Deletes the torrent's own files, once it is closed. @throws StorageError */
  async deleteData(): Promise<void> {
    await this.close();
    await deleteContent(this.#parts.storage);
  }

  async #close(): Promise<void> {
    this.#demand.fail(new ClientError('closed', `${this.metainfo.name} was closed`));
    this.#dials.abort();
    this.#torrent.stop();
    const farewell = this.#search.stop();
    await this.#buffers.close();
    await this.#parts.checkpointer?.close();
    if (this.#lostSome) await this.#parts.record(this.#torrent.have);
    this.#cache.close();
    await this.#parts.storage.close();
    await farewell;
  }

  async #dial(endpoint: Endpoint, wire: WireName | undefined): Promise<void> {
    const { metainfo, resources } = this.#parts;
    const { infoHash } = metainfo;
    const named = this.#search.naming;
    try {
      const options = { infoHash, peerId: this.peerId, shape: metainfo, wire, signal: this.#dials.signal };
      const connection = await resources.transport.dial(endpoint, options);
      if (named !== undefined) resources.counters.namedPeer.record(systemClock.now() - named);
      this.accept(connection, endpoint);
    } catch (error) {
      this.#parts.logger.debug('dial failed', {
        host: endpoint.host,
        port: endpoint.port,
        why: String(error),
      });
      this.#torrent.dialFailed(endpoint);
    }
  }

  #concerns(): SessionConcerns {
    return {
      pieceVerified: (piece) => {
        this.#progress.gained(piece);
        this.#demand.verified(piece);
        this.emit('piece', piece);
      },
      peerConnected: () => {
        const { firstPeer } = this.#parts.resources.counters;
        if (this.#startedAt !== undefined) firstPeer.record(systemClock.now() - this.#startedAt);
        this.#startedAt = undefined;
      },
      peerBanned: (peer, cause) => this.emit('banned', peer, cause),
      peerDisconnected: (_key, _reason, peer) => {
        if (this.listenerCount('disconnected') > 0)
          this.emit('disconnected', connectedPeer(peer, systemClock.now()));
      },
      pieceFailed: () => {
        this.#failed++;
      },
      wasted: (bytes, cause) => {
        this.#wasted += bytes;
        if (cause === 'duplicate') this.#duplicate += bytes;
      },
      complete: () => {
        if (!this.#wasCompleteAtStart) this.#search.completed();
        this.emit('complete');
      },
    };
  }

  #newSearch(): PeerSearch {
    const { resources, logger, metainfo } = this.#parts;
    return new PeerSearch(
      {
        metainfo,
        peerId: this.peerId,
        torrent: this.#torrent,
        resources,
        logger,
        figures: () => {
          const { uploaded, downloaded, total, have } = this.stats();
          return { uploaded, downloaded, left: total - have };
        },
        onStatus: (tracker, status) => {
          logger.debug('tracker', { tracker, status: status.type });
          this.emit('tracker', tracker, status);
        },
      },
      this.#options,
    );
  }

  #lost(piece: number, error: Error): void {
    if (!this.#torrent.have.has(piece)) return;
    this.#lostSome = true;
    this.#parts.resources.counters.piecesLost++;
    this.#cache.drop(piece);
    this.#parts.checkpointer?.lost(piece);
    this.#torrent.readFailed(piece);
    if (!this.#parts.storage.writable) this.#torrent.unwant(piece);
    this.#demand.lost(piece);
    this.#progress.lost(piece);
    this.#parts.logger.warn('a piece cannot be read any more', { piece, why: error.message });
    this.emit('lost', piece, error);
  }

  #fail(error: Error): void {
    this.#torrent.stop();
    this.#demand.fail(new ClientError('failed', error.message, { cause: error }));
    this.emit('failed', error);
  }
}
