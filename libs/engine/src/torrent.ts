import { Bitfield, type Endpoint, endpointKey } from '@pixtorrent/core';
import { GoodbyeReason, type WireName } from '@pixtorrent/peer-protocol';
import { HaveAnnouncer } from './announcing/have-announcer.ts';
import { MetadataService } from './announcing/metadata-service.ts';
import { SuperSeed } from './announcing/super-seed.ts';
import { Choker } from './choking/choker.ts';
import { Admission } from './connections/admission.ts';
import { Connector } from './connections/connector.ts';
import { DepartedSeeds } from './connections/departed-seeds.ts';
import { PeerMonitor } from './connections/monitor.ts';
import { MessageHandler } from './message-handler.ts';
import { DEFAULT_TUNING, type TorrentOptions, type Tuning } from './options.ts';
import { type ConnectionInfo, Peer } from './peer.ts';
import { Deadlines } from './picking/deadlines.ts';
import type { PiecePicker } from './picking/picker.ts';
import { RarestFirst } from './picking/rarest-first.ts';
import { Sequential } from './picking/sequential.ts';
import { PieceTable } from './pieces/piece-table.ts';
import type { DisconnectReason, EngineDependencies, PeerLink } from './ports.ts';
import { RateMeter } from './rates/rate-meter.ts';
import { Reputation } from './reputation/reputation.ts';
import { Verdicts } from './reputation/verdicts.ts';
import { Downloader } from './requests/downloader.ts';
import { RequestWindow } from './requests/request-window.ts';
import type { Swarm } from './swarm.ts';
import { Uploader } from './uploads/uploader.ts';

/** A connection that lasted for so long was none in vain, milliseconds. */
const USEFUL_AFTER = 60_000;

/**
 * The swarm of one torrent as this node sees it: a state machine that is told what happened and answers by calls
 * on its ports. It does no I/O, and takes time, timers and randomness from outside, so the same events give the
 * same run. The parts are composed here; each decision is in a file of its own.
 */
export class Torrent implements Swarm {
  readonly dependencies: EngineDependencies;
  readonly options: TorrentOptions;
  readonly tuning: Tuning;
  readonly pieces: PieceTable;
  readonly reputation: Reputation;
  readonly peers = new Set<Peer>();
  readonly received: RateMeter;
  readonly sent: RateMeter;
  readonly #downloader: Downloader;
  readonly #uploader: Uploader;
  readonly #choker: Choker;
  readonly #connector: Connector;
  readonly #admission: Admission;
  readonly #monitor: PeerMonitor;
  readonly #announcer: HaveAnnouncer;
  readonly #order: PiecePicker;
  readonly #deadlines: Deadlines;
  readonly #verdicts: Verdicts;
  readonly #messages: MessageHandler;
  readonly #departed = new DepartedSeeds();
  readonly #superSeed: SuperSeed | undefined;
  readonly #unlisten: (() => void)[] = [];
  /** Verified pieces that are not on the disk yet. */
  #storing = 0;
  #announcedComplete = false;
  #draining = false;
  #state: 'idle' | 'running' | 'stopped' = 'idle';

  constructor(dependencies: EngineDependencies, options: TorrentOptions, reputation = new Reputation()) {
    this.dependencies = dependencies;
    this.options = options;
    this.tuning = { ...DEFAULT_TUNING, ...options.tuning };
    this.reputation = reputation;
    this.received = new RateMeter(dependencies.clock.now());
    this.sent = new RateMeter(dependencies.clock.now());
    const { shape } = options;
    const have = options.have ?? new Bitfield(shape.pieceCount);
    const wanted = options.wanted ?? all(shape.pieceCount);
    this.pieces = new PieceTable(shape, have, wanted, dependencies.random, options.selective);
    const order =
      options.order === 'sequential'
        ? new Sequential(this.pieces)
        : new RarestFirst(this.pieces, dependencies.random);
    this.#order = order;
    this.#deadlines = new Deadlines(this.pieces);
    this.#verdicts = new Verdicts(this);
    this.#downloader = new Downloader(this, order, this.#deadlines, this.#verdicts.suspects);
    this.#uploader = new Uploader(this);
    this.#choker = new Choker(this, this.#uploader);
    this.#connector = new Connector(this);
    this.#admission = new Admission(this, this.#connector, {
      isRunning: () => this.#state === 'running',
      welcome: (link, info, key) => this.#welcome(link, info, key),
    });
    this.#monitor = new PeerMonitor(this, this.#downloader, this.#connector);
    this.#announcer = new HaveAnnouncer(this);
    this.#superSeed = options.superSeed && this.pieces.have.complete ? new SuperSeed(this.pieces) : undefined;
    this.#messages = new MessageHandler(this, {
      downloader: this.#downloader,
      uploader: this.#uploader,
      choker: this.#choker,
      connector: this.#connector,
      announcer: this.#announcer,
      superSeed: this.#superSeed,
      metadata: new MetadataService(options.metadata),
      closed: (peer, reason) => this.#remove(peer, reason),
    });
  }

  /** Pieces that are here. */
  get have(): Bitfield {
    return this.pieces.have;
  }

  /**
   * How few copies there are among this node, those connected, and those who left because both had everything.
   * `rarest`: copies of the rarest piece; `sole`: pieces that only this node has; `soleBytes`: their bytes.
   */
  availability(): { readonly rarest: number; readonly sole: number; readonly soleBytes: number } {
    const departed = this.#departed.count(this.#now());
    const { availability, soleBytes } = this.pieces;
    const elsewhere = departed > 0;
    return {
      rarest: availability.rarest + departed,
      sole: elsewhere ? 0 : availability.sole,
      soleBytes: elsewhere ? 0 : soleBytes,
    };
  }

  get draining(): boolean {
    return this.#draining;
  }

  /**
   * From now on takes nothing, and gives to all who want something, first what only this node has; `pieces` tells what
   * that still is. Others learn of it when it stops.
   */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    // Those who had everything some time ago are asked whether they still do.
    this.#departed.clear();
    this.#connector.needed();
    for (const peer of this.peers) this.#messages.updateInterest(peer);
    this.#choker.round();
  }

  /** idle -> running */
  start(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'running';
    const { uploadLimits = [], downloadLimits = [] } = this.options;
    for (const limit of uploadLimits)
      this.#unlisten.push(limit.onChange(() => this.#uploader.limitChanged()));
    for (const limit of downloadLimits)
      this.#unlisten.push(limit.onChange(() => this.#downloader.fillStarved()));
    this.#connector.maintain();
    this.#checkComplete();
  }

  /** any -> stopped: all connections are closed, nothing more is asked for. */
  stop(): void {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    for (const unlisten of this.#unlisten.splice(0)) unlisten();
    this.#connector.stop();
    const goodbye = this.#draining ? GoodbyeReason.draining : GoodbyeReason.leaving;
    for (const peer of [...this.peers]) this.disconnect(peer, 'stopped', goodbye, 'stopped');
    this.#choker.stop();
    this.#monitor.stop();
    this.#announcer.stop();
    this.#downloader.stop();
    this.#uploader.stop();
  }

  /** Somebody named endpoints at which peers may be found. */
  discovered(endpoints: readonly Endpoint[], wire?: WireName): void {
    this.#connector.discovered(endpoints, wire);
  }

  /**
   * A connection has come about and its handshake was read.
   * @returns the peer, to be told of what comes in; undefined where it was refused, and its link closed
   */
  connected(link: PeerLink, info: ConnectionInfo): Peer | undefined {
    const peer = this.#admission.decide(link, info);
    this.#connector.maintain();
    return peer;
  }

  dialFailed(endpoint: Endpoint): void {
    this.#departed.unreachable(endpointKey(endpoint));
    this.#connector.dialFailed(endpoint);
  }

  /** The answer to `PieceIo.verify`. */
  pieceVerified(piece: number, ok: boolean): void {
    const active = this.pieces.active.get(piece);
    if (!active || this.#state === 'stopped') return;
    if (!ok) {
      this.#verdicts.pieceFailed(active);
      if (this.#deadlines.has(piece)) this.#downloader.hurry();
      this.#downloader.fillStarved();
      return;
    }
    this.pieces.verified(active);
    this.#deadlines.clear(piece);
    this.#storing++;
    if (!this.#superSeed) this.#announcer.announce(piece);
    this.dependencies.events?.pieceVerified?.(piece, this.pieces.remaining);
    for (const peer of this.peers) {
      if (!peer.proven && active.sources.includes(peer.serial)) this.#downloader.proved(peer);
      if (!peer.has.has(piece)) continue;
      peer.useful--;
      this.#messages.updateInterest(peer);
    }
    this.#verdicts.pieceGood(piece);
  }

  /** The answer to `PieceIo.store`: the piece is on the disk, its memory is free. */
  pieceStored(_piece: number): void {
    this.#storing--;
    this.#downloader.fillStarved();
    this.#checkComplete();
  }

  /** The answer to `PieceIo.fingerprint`: a digest of each block, in order. */
  pieceFingerprinted(piece: number, digests: readonly string[]): void {
    if (this.#state === 'stopped') return;
    this.#verdicts.fingerprinted(piece, digests);
    this.#downloader.fillStarved();
  }

  /** There is memory for pieces again. */
  memoryAvailable(): void {
    this.#downloader.memoryAvailable();
  }

  /** The disk has lost a piece that was here: it is no longer offered, and fetched again where it is wanted. */
  readFailed(piece: number): void {
    if (!this.pieces.have.has(piece)) return;
    const { complete } = this.pieces;
    this.pieces.lost(piece);
    this.#announcedComplete = false;
    this.#order.rewind?.();
    this.#uploader.dropPiece(piece);
    for (const peer of this.peers) {
      if (!peer.has.has(piece) || !this.pieces.lacks(piece)) continue;
      peer.useful++;
      this.#messages.updateInterest(peer);
    }
    if (complete && !this.pieces.complete) this.#connector.needed();
    this.#downloader.fillStarved();
  }

  /** Asks for a piece before all others; `at`: when it is due, on the clock's scale. */
  setDeadline(piece: number, at: number): void {
    if (!this.pieces.lacks(piece)) return;
    this.#deadlines.set(piece, at);
    this.#downloader.hurry();
  }

  /** Nobody waits for the piece any more. */
  clearDeadline(piece: number): void {
    this.#deadlines.clear(piece);
  }

  /** Gets a piece beside those that were wanted before. */
  want(piece: number): void {
    if (!this.pieces.want(piece)) return;
    this.#announcedComplete = false;
    this.#order.rewind?.();
    for (const peer of this.peers) {
      if (!peer.has.has(piece)) continue;
      peer.useful++;
      this.#messages.updateInterest(peer);
    }
    this.#downloader.fillStarved();
  }

  /** Gives up a piece that was not begun yet; one that was begun comes all the same. */
  unwant(piece: number): void {
    if (!this.pieces.unwant(piece)) return;
    for (const peer of this.peers) {
      if (!peer.has.has(piece)) continue;
      peer.useful--;
      this.#messages.updateInterest(peer);
    }
    this.#checkComplete();
  }

  disconnect(peer: Peer, reason: DisconnectReason, goodbye: GoodbyeReason, text: string): void {
    if (!peer.open) return;
    this.#remove(peer, reason);
    peer.link.close(reason, goodbye, text);
  }

  protocolError(peer: Peer, text: string): void {
    this.disconnect(peer, 'protocol-error', GoodbyeReason.protocolError, text);
  }

  #welcome(link: PeerLink, info: ConnectionInfo, key: string): Peer {
    const { initialWindow, maxWindow, queueTarget } = this.tuning;
    const window = new RequestWindow({ initial: initialWindow[link.wire], maximum: maxWindow, queueTarget });
    const state = { pieceCount: this.pieces.shape.pieceCount, window, now: this.#now() };
    const peer = new Peer(link, info, { key, serial: this.reputation.serial(key) }, state, this.#messages);
    this.peers.add(peer);
    this.#departed.arrived(peer);
    this.#choker.start();
    this.#monitor.start();
    this.dependencies.events?.peerConnected?.(key);
    if (this.#superSeed) link.haveNone();
    else if (this.pieces.have.complete) link.haveAll();
    else if (this.pieces.have.count === 0) link.haveNone();
    else link.bitfield(this.pieces.have.bytes);
    this.#messages.greet(peer);
    this.#superSeed?.welcome(peer);
    this.#choker.joined(peer);
    return peer;
  }

  #remove(peer: Peer, reason: DisconnectReason): void {
    peer.open = false;
    this.peers.delete(peer);
    if (reason === 'protocol-error') this.#blame(peer);
    this.#messages.forget(peer);
    const endpoint = Connector.endpointOf(peer);
    const departed = DepartedSeeds.leaves(peer, reason);
    // It may want only a part, and have all of that.
    if (departed && peer.seed) this.#departed.add(peer, this.#now());
    const stillConnected = reason === 'duplicate' && [...this.peers].some((p) => sameEndpoint(p, endpoint));
    if (!stillConnected) {
      const useful = departed || reason === 'duplicate' || this.#wasUseful(peer);
      this.#connector.lost(endpoint, departed ? 'both-complete' : reason, useful);
    }
    this.dependencies.events?.peerDisconnected?.(peer.key, reason, peer);
  }

  /** Something was moved, or it stayed for a while: who takes a connection only to drop it is left alone for longer. */
  #wasUseful(peer: Peer): boolean {
    return peer.received.total + peer.sent.total > 0 || this.#now() - peer.connectedAt >= USEFUL_AFTER;
  }

  #blame(peer: Peer): void {
    const cause = this.reputation.protocolError(peer.key, this.#now());
    if (cause) this.dependencies.events?.peerBanned?.(peer.key, cause);
  }

  #checkComplete(): void {
    if (this.#announcedComplete || !this.pieces.complete || this.#storing > 0) return;
    this.#announcedComplete = true;
    this.dependencies.events?.complete?.();
    for (const peer of [...this.peers]) this.#messages.closeIfBothComplete(peer);
  }

  #now(): number {
    return this.dependencies.clock.now();
  }
}

function sameEndpoint(peer: Peer, endpoint: Endpoint): boolean {
  return endpointKey(Connector.endpointOf(peer)) === endpointKey(endpoint);
}

function all(pieceCount: number): Bitfield {
  const field = new Bitfield(pieceCount);
  field.fill();
  return field;
}
