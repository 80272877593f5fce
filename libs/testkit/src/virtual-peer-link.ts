import type { DisconnectReason, PeerLink } from '@pixtorrent/engine';
import type { ExtensionHandshake, GoodbyeReason, WireName, WireReceiver } from '@pixtorrent/peer-protocol';
import { TestkitError } from './errors.ts';
import { FrameKind, PeerFrame } from './peer-frame.ts';
import type { Trace } from './trace.ts';
import type { VirtualPieceIo } from './virtual-piece-io.ts';
import type { EndCause, SocketHandler, VirtualSocket } from './virtual-socket.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What a connection tells its owner: the engine's `Peer`, or a simulated stranger. */
export interface PeerInbox extends Omit<WireReceiver, 'blockBegin' | 'terms' | 'suggest' | 'allowedFast'> {
  /** @returns false to have the payload dropped */
  blockBegin(piece: number, offset: number, length: number): boolean;
  blockSent(length: number): void;
  blockNotSent(piece: number, offset: number, length: number): void;
  closed(reason: DisconnectReason): void;
}

/** What one node counts over all its connections. */
export interface LinkCounters {
  /** Payload bytes that the network took from this node, and that reached it. */
  payloadSent: number;
  payloadReceived: number;
  /** Payload bytes that the engine had dropped. */
  payloadDropped: number;
}

export interface LinkContext {
  readonly time: VirtualTime;
  readonly pieces: VirtualPieceIo;
  readonly trace: Trace;
  readonly counters: LinkCounters;
  /** The disk has lost a piece that was to be sent. */
  readonly readFailed: (piece: number) => void;
}

const OUTGOING = 100;
const ENDED = 200;

/** A connection of the simulation: the engine's link on one side, a socket of the virtual network on the other. */
export class VirtualPeerLink implements PeerLink, SocketHandler {
  readonly wire: WireName;
  readonly rejects = true;
  /** Set once the engine has accepted the connection. */
  inbox: PeerInbox | undefined;
  readonly #context: LinkContext;
  readonly #socket: VirtualSocket;
  readonly #id: number;
  #landing: PeerFrame | undefined;
  #open = true;

  /** `id`: this connection's number in the trace. */
  constructor(context: LinkContext, socket: VirtualSocket, wire: WireName, id: number) {
    this.#context = context;
    this.#socket = socket;
    this.wire = wire;
    this.#id = id;
    socket.handler = this;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Breaks the connection, as a failing switch would. */
  cut(): void {
    this.#socket.cut();
  }

  choke(): void {
    this.#send(new PeerFrame(this.wire, FrameKind.choke));
  }

  unchoke(): void {
    this.#send(new PeerFrame(this.wire, FrameKind.unchoke));
  }

  interested(): void {
    this.#send(new PeerFrame(this.wire, FrameKind.interested));
  }

  notInterested(): void {
    this.#send(new PeerFrame(this.wire, FrameKind.notInterested));
  }

  have(piece: number): void {
    this.#send(new PeerFrame(this.wire, FrameKind.have, piece));
  }

  bitfield(bits: Uint8Array): void {
    this.#send(new PeerFrame(this.wire, FrameKind.bitfield, 0, 0, 0, Uint8Array.from(bits)));
  }

  haveAll(): void {
    this.#send(new PeerFrame(this.wire, FrameKind.haveAll));
  }

  haveNone(): void {
    this.#send(new PeerFrame(this.wire, FrameKind.haveNone));
  }

  request(piece: number, offset: number, length: number): void {
    if (offset < 0 || length <= 0) {
      throw new TestkitError('contract', `piece ${piece} asked for at ${offset}, ${length} bytes`);
    }
    this.#send(new PeerFrame(this.wire, FrameKind.request, piece, offset, length));
  }

  cancel(piece: number, offset: number, length: number): void {
    this.#send(new PeerFrame(this.wire, FrameKind.cancel, piece, offset, length));
  }

  reject(piece: number, offset: number, length: number): void {
    this.#send(new PeerFrame(this.wire, FrameKind.reject, piece, offset, length));
  }

  extensionHandshake(handshake: ExtensionHandshake): void {
    this.#send(new PeerFrame(this.wire, FrameKind.extensionHandshake, 0, 0, 0, handshake));
  }

  extended(id: number, payload: Uint8Array): void {
    this.#send(new PeerFrame(this.wire, FrameKind.extended, id, 0, 0, Uint8Array.from(payload)));
  }

  goodbye(reason: GoodbyeReason, text: string): void {
    if (this.wire === 'pixwire') {
      this.#send(new PeerFrame(this.wire, FrameKind.goodbye, reason, 0, 0, { reason, text }));
    }
  }

  sendBlock(piece: number, offset: number, length: number): void {
    if (!this.#open) return;
    if (length <= 0) throw new TestkitError('contract', `a block of ${length} bytes sent`);
    const { pieces, time } = this.#context;
    if (pieces.lost.has(piece)) {
      time.at(time.now(), () => {
        this.inbox?.blockNotSent(piece, offset, length);
        this.#context.readFailed(piece);
      });
      return;
    }
    const tags = pieces.read(piece, offset, length);
    this.#send(new PeerFrame(this.wire, FrameKind.block, piece, offset, length, undefined, tags));
  }

  close(reason: DisconnectReason, goodbye: GoodbyeReason, text: string): void {
    if (!this.#open) return;
    this.goodbye(goodbye, text);
    this.#open = false;
    this.#record(ENDED, reason.length, 0, 0);
    this.#breakOffLanding();
    this.#socket.finish();
  }

  accepted(frame: PeerFrame): void {
    if (!this.#open || frame.kind !== FrameKind.block) return;
    this.#context.counters.payloadSent += frame.length;
    this.inbox?.blockSent(frame.length);
  }

  begun(frame: PeerFrame): void {
    if (!this.#open || this.inbox === undefined) return;
    if (!this.inbox.blockBegin(frame.piece, frame.offset, frame.length)) return;
    if (!this.#open) return;
    this.#context.pieces.landingBegins(frame.piece);
    this.#landing = frame;
  }

  arrived(frame: PeerFrame): void {
    const inbox = this.inbox;
    if (!this.#open || inbox === undefined) return;
    this.#record(frame.kind, frame.piece, frame.offset, frame.length);
    if (frame.kind === FrameKind.block) this.#blockArrived(frame, inbox);
    else dispatch(frame, inbox);
  }

  ended(cause: EndCause): void {
    if (!this.#open) return;
    this.#open = false;
    this.#record(ENDED, cause.length, 0, 0);
    this.#breakOffLanding();
    this.inbox?.closed(cause);
  }

  #blockArrived(frame: PeerFrame, inbox: PeerInbox): void {
    const { counters, pieces } = this.#context;
    counters.payloadReceived += frame.length;
    if (this.#landing !== frame) {
      counters.payloadDropped += frame.length;
      return;
    }
    this.#landing = undefined;
    pieces.landed(frame.piece, frame.offset, frame.length, frame.tags);
    inbox.blockEnd(frame.piece, frame.offset, frame.length);
  }

  #breakOffLanding(): void {
    const landing = this.#landing;
    if (landing === undefined) return;
    this.#landing = undefined;
    this.#context.pieces.landingEnds(landing.piece);
    this.inbox?.blockAbort(landing.piece, landing.offset, landing.length);
  }

  #send(frame: PeerFrame): void {
    if (!this.#open) return;
    this.#record(OUTGOING + frame.kind, frame.piece, frame.offset, frame.length);
    this.#socket.send(frame);
  }

  #record(kind: number, piece: number, offset: number, length: number): void {
    this.#context.trace.record(this.#context.time.now(), this.#id * 1000 + kind, piece, offset, length);
  }
}

function dispatch(frame: PeerFrame, inbox: PeerInbox): void {
  switch (frame.kind) {
    case FrameKind.choke:
      inbox.choke();
      break;
    case FrameKind.unchoke:
      inbox.unchoke();
      break;
    case FrameKind.interested:
      inbox.interested();
      break;
    case FrameKind.notInterested:
      inbox.notInterested();
      break;
    case FrameKind.have:
      inbox.have(frame.piece);
      break;
    case FrameKind.bitfield:
      inbox.bitfield(frame.payload as Uint8Array);
      break;
    case FrameKind.haveAll:
      inbox.haveAll();
      break;
    case FrameKind.haveNone:
      inbox.haveNone();
      break;
    case FrameKind.request:
      inbox.request(frame.piece, frame.offset, frame.length);
      break;
    case FrameKind.cancel:
      inbox.cancel(frame.piece, frame.offset, frame.length);
      break;
    case FrameKind.reject:
      inbox.reject(frame.piece, frame.offset, frame.length);
      break;
    case FrameKind.extensionHandshake:
      inbox.extensionHandshake(frame.payload as ExtensionHandshake);
      break;
    case FrameKind.extended:
      inbox.extended(frame.piece, frame.payload as Uint8Array);
      break;
    case FrameKind.goodbye: {
      const { reason, text } = frame.payload as { reason: GoodbyeReason; text: string };
      inbox.goodbye(reason, text);
      break;
    }
  }
}
