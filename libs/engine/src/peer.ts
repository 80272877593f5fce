import { Bitfield, type Endpoint } from '@pixtorrent/core';
import type {
  ExtensionHandshake,
  GoodbyeReason,
  PeerHandshake,
  WireMessages,
} from '@pixtorrent/peer-protocol';
import type { DisconnectReason, PeerLink } from './ports.ts';
import { Pace } from './rates/pace.ts';
import { RateMeter } from './rates/rate-meter.ts';
import { RangeQueue } from './requests/range-queue.ts';
import { Refusals } from './requests/refusals.ts';
import type { RequestWindow } from './requests/request-window.ts';

/** How a connection came about. */
export interface ConnectionInfo {
  /** Where the peer can be dialled; for an incoming connection the address that it came from. */
  readonly endpoint: Endpoint;
  readonly incoming: boolean;
  /** What is said over it can be read by nobody else. @default false */
  readonly encrypted?: boolean;
  readonly handshake: PeerHandshake;
}

/** What the engine's parts do with a peer's messages. */
export interface PeerHandler {
  chokeChanged(peer: Peer): void;
  interestChanged(peer: Peer): void;
  gained(peer: Peer, piece: number): void;
  announcedAll(peer: Peer): void;
  announced(peer: Peer, bits: Bitfield): void;
  requested(peer: Peer, piece: number, offset: number, length: number): void;
  cancelled(peer: Peer, piece: number, offset: number, length: number): void;
  rejected(peer: Peer, piece: number, offset: number, length: number): void;
  extensionHandshake(peer: Peer, handshake: ExtensionHandshake): void;
  extended(peer: Peer, id: number, payload: Uint8Array): void;
  blockBegin(peer: Peer, piece: number, offset: number, length: number): boolean;
  blockEnd(peer: Peer, piece: number, offset: number, length: number): void;
  blockAbort(peer: Peer, piece: number, offset: number, length: number): void;
  blockSent(peer: Peer, length: number): void;
  blockNotSent(peer: Peer, piece: number, offset: number, length: number): void;
  closed(peer: Peer, reason: DisconnectReason): void;
}

/** One connected peer: what both sides said, and what each waits for. Its methods take what came in. */
export class Peer implements WireMessages {
  readonly link: PeerLink;
  readonly info: ConnectionInfo;
  /** Names the peer for its reputation: see `reputationKey`. */
  readonly key: string;
  /** Small number that stands for `key` in the books of who gave which block. */
  readonly serial: number;
  readonly connectedAt: number;
  readonly #handler: PeerHandler;

  /** Pieces that it has. */
  readonly has: Bitfield;
  /** Pieces that it has and that are wanted here: above 0 this side is interested. */
  useful = 0;
  /** It chokes this side. */
  chokesUs = true;
  /** It wants data from this side. */
  wantsData = false;
  /** This side chokes it. */
  choked = true;
  /** This side told it that it is interested. */
  interestedSent = false;
  uploadOnly = false;
  /** Where an incoming peer said that it listens. */
  listensAt: Endpoint | undefined;
  /** Its id for ut_metadata messages (BEP 9). */
  metadataId = 0;

  /** What this side waits for, in the order asked. */
  readonly requests = new RangeQueue();
  readonly window: RequestWindow;
  maxRequest: number;
  /** Bytes of requests that it queues for this side. */
  acceptedWindow: number;
  /** A piece to which it contributed was right. */
  proven = false;
  /** Bytes that it gave before that. */
  unproven = 0;
  snubbed = false;
  /** When data last came, or the first request was sent after a time without any. */
  lastDataAt: number;
  /** The piece into which a payload of it is landing, or -1. */
  landing = -1;
  /** Bytes of that payload. */
  landingLength = 0;
  readonly refused = new Refusals();
  /** Bytes that may still come although nobody waits: cancelled or dropped on a wire that does not say so. */
  strayCredit = 0;

  /** What it waits for, in the order asked. */
  readonly uploads = new RangeQueue();
  /** Bytes handed to the link and not yet taken by the network. */
  inFlight = 0;
  /** How fast the network takes blocks for it. */
  readonly pace = new Pace();
  queuedForUpload = false;
  /** When it last took a request back: it has something more urgent. */
  cancelledAt = Number.NEGATIVE_INFINITY;
  /** Pieces to be told of with the next Have frame. */
  readonly pendingHaves: number[] = [];
  unchokedAt = Number.NEGATIVE_INFINITY;
  lastSentAt = Number.NEGATIVE_INFINITY;

  /** Why it said that it ends the connection. */
  farewell: GoodbyeReason | undefined;

  readonly received: RateMeter;
  readonly sent: RateMeter;
  open = true;

  constructor(
    link: PeerLink,
    info: ConnectionInfo,
    identity: { readonly key: string; readonly serial: number },
    state: { readonly pieceCount: number; readonly window: RequestWindow; readonly now: number },
    handler: PeerHandler,
  ) {
    this.link = link;
    this.info = info;
    this.key = identity.key;
    this.serial = identity.serial;
    this.#handler = handler;
    this.has = new Bitfield(state.pieceCount);
    this.window = state.window;
    this.maxRequest = info.handshake.maxRequest;
    this.acceptedWindow = info.handshake.requestWindow;
    this.connectedAt = state.now;
    this.lastDataAt = state.now;
    this.received = new RateMeter(state.now);
    this.sent = new RateMeter(state.now);
  }

  get seed(): boolean {
    return this.has.complete;
  }

  choke(): void {
    if (this.chokesUs) return;
    this.chokesUs = true;
    this.#handler.chokeChanged(this);
  }

  unchoke(): void {
    if (!this.chokesUs) return;
    this.chokesUs = false;
    this.#handler.chokeChanged(this);
  }

  interested(): void {
    if (this.wantsData) return;
    this.wantsData = true;
    this.#handler.interestChanged(this);
  }

  notInterested(): void {
    if (!this.wantsData) return;
    this.wantsData = false;
    this.#handler.interestChanged(this);
  }

  have(piece: number): void {
    if (this.has.add(piece)) this.#handler.gained(this, piece);
  }

  bitfield(bits: Uint8Array): void {
    const field = Bitfield.parse(bits, this.has.length);
    if (field) this.#handler.announced(this, field);
  }

  haveAll(): void {
    this.#handler.announcedAll(this);
  }

  haveNone(): void {}

  request(piece: number, offset: number, length: number): void {
    this.#handler.requested(this, piece, offset, length);
  }

  cancel(piece: number, offset: number, length: number): void {
    this.#handler.cancelled(this, piece, offset, length);
  }

  reject(piece: number, offset: number, length: number): void {
    this.#handler.rejected(this, piece, offset, length);
  }

  extensionHandshake(handshake: ExtensionHandshake): void {
    this.#handler.extensionHandshake(this, handshake);
  }

  extended(id: number, payload: Uint8Array): void {
    this.#handler.extended(this, id, payload);
  }

  goodbye(reason: GoodbyeReason, _text: string): void {
    this.farewell = reason;
  }

  terms(requestWindow: number, maxRequest: number): void {
    this.acceptedWindow = requestWindow;
    this.maxRequest = maxRequest;
  }

  suggest(_piece: number): void {}

  allowedFast(_piece: number): void {}

  /** @returns whether the payload is wanted; its memory stays reserved until `blockEnd` or `blockAbort` */
  blockBegin(piece: number, offset: number, length: number): boolean {
    return this.open && this.#handler.blockBegin(this, piece, offset, length);
  }

  blockEnd(piece: number, offset: number, length: number): void {
    this.#handler.blockEnd(this, piece, offset, length);
  }

  blockAbort(piece: number, offset: number, length: number): void {
    this.#handler.blockAbort(this, piece, offset, length);
  }

  /** `length` bytes of blocks have left for the network: there is room for more. */
  blockSent(length: number): void {
    if (this.open) this.#handler.blockSent(this, length);
  }

  /** A block that was to be sent could not be read: the request is refused. */
  blockNotSent(piece: number, offset: number, length: number): void {
    if (this.open) this.#handler.blockNotSent(this, piece, offset, length);
  }

  /** The connection has ended from the other side or by itself. */
  closed(reason: DisconnectReason): void {
    if (this.open) this.#handler.closed(this, reason);
  }
}
