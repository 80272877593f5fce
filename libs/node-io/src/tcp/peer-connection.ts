import type { Endpoint, Timer } from '@pixtorrent/core';
import {
  createCodec,
  type ExtensionHandshake,
  GoodbyeReason,
  type Lease,
  type OutputBatch,
  type ParsedHandshake,
  type TorrentShape,
  type WireCodec,
  type WireFault,
  type WireMessages,
  type WireName,
  type WireReceiver,
} from '@pixtorrent/peer-protocol';
import { systemClock } from '../time/system.ts';
import type { ByteSink, DirectSocket, SocketEnd } from './direct-socket.ts';
import { IdleWatch } from './idle-watch.ts';
import type { TransportContext } from './transport-context.ts';
import { UnsentLimit } from './unsent-limit.ts';

/** Why a connection ended that was not closed on this side. `overloaded`: it asks much and does not read. */
export type ConnectionEnd = SocketEnd | 'protocol-error' | 'idle' | 'overloaded';

/** Who takes what comes over a connection. */
export interface ConnectionReceiver extends WireReceiver {
  /** The connection is gone; the last call, and not made after `PeerConnection.close`. */
  closed(end: ConnectionEnd, fault?: WireFault): void;
  /** The kernel took `bytes` of what was buffered. */
  sent(bytes: number): void;
}

export interface PeerConnectionOptions {
  readonly handshake: ParsedHandshake;
  /** Undefined while the torrent's metadata is not known (BEP 9). */
  readonly shape: TorrentShape | undefined;
  readonly incoming: boolean;
}

/** Bytes of messages without payload that may wait for a peer who does not read; its bit field comes on top. */
const MAX_CONTROL = 1_048_576;
/** How long a closed connection may take to deliver what was queued, ms. */
const CLOSE_DEADLINE = 5_000;

/**
 * One connection after its handshake. Messages queue, and go out together at the end of the turn of the event loop.
 * Nothing is read before `attach`.
 */
export class PeerConnection implements WireMessages, ByteSink {
  readonly handshake: ParsedHandshake;
  readonly shape: TorrentShape | undefined;
  readonly remote: Endpoint;
  readonly incoming: boolean;

  readonly #socket: DirectSocket;
  readonly #context: TransportContext;
  readonly #closers: (() => void)[] = [];
  #receiver: ConnectionReceiver | undefined;
  #codec: WireCodec | undefined;
  #idle: IdleWatch | undefined;
  #unsent: UnsentLimit | undefined;
  #deadline: Timer | undefined;
  #ended: { readonly end: ConnectionEnd; readonly fault?: WireFault } | undefined;
  #closing = false;
  #dirty = false;
  #paused = false;
  /** What the kernel has not taken, oldest first. */
  readonly #writing: OutputBatch[] = [];
  #writingBytes = 0;
  #writingControl = 0;

  constructor(socket: DirectSocket, context: TransportContext, options: PeerConnectionOptions) {
    this.#socket = socket;
    this.#context = context;
    this.handshake = options.handshake;
    this.shape = options.shape;
    this.incoming = options.incoming;
    this.remote = socket.remote;
    socket.sink = this;
  }

  get wire(): WireName {
    return this.handshake.wire;
  }

  /** Whether it is within TLS: the other side was certified, if it dialled only where that is asked for. */
  get encrypted(): boolean {
    return this.#socket.encrypted;
  }

  /** Whether the other side answers each request that it drops by a Reject. */
  get rejects(): boolean {
    return this.handshake.fast;
  }

  /** Bytes that the kernel has not taken yet. */
  get bufferedBytes(): number {
    return this.#writingBytes + (this.#codec?.encoder.pending ?? 0);
  }

  /** Bytes received and sent since the handshake, and the bytes of blocks among them. */
  get counts(): { bytesIn: number; bytesOut: number; payloadIn: number; payloadOut: number } {
    const decoder = this.#codec?.decoder;
    const encoder = this.#codec?.encoder;
    return {
      bytesIn: decoder?.bytesIn ?? 0,
      bytesOut: encoder?.bytesOut ?? 0,
      payloadIn: decoder?.payloadIn ?? 0,
      payloadOut: encoder?.payloadOut ?? 0,
    };
  }

  /** Begins to read, for `receiver`. Messages can be sent from here on. Once only. */
  attach(receiver: ConnectionReceiver): void {
    const { handshake, shape } = this;
    const { scratch, pool, limits } = this.#context;
    this.#receiver = receiver;
    this.#codec = createCodec({ handshake, shape, receiver, scratch, pool, limits });
    if (this.#ended !== undefined) {
      const { end, fault } = this.#ended;
      queueMicrotask(() => receiver.closed(end, fault));
      return;
    }
    this.#idle = new IdleWatch(this.#context.timers, this.wire, {
      progress: () => this.#progress(),
      ping: () => {
        this.#codec!.encoder.ping();
        this.#touch();
      },
      idle: () => this.#fail('idle'),
    });
    const { setUnsent } = this.#context;
    if (setUnsent !== undefined) {
      const set = (bytes: number): void => {
        const { fd } = this.#socket;
        if (fd !== undefined) setUnsent(fd, bytes);
      };
      this.#unsent = new UnsentLimit(set, systemClock);
    }
    if (!this.#paused) this.#socket.resume();
  }

  /** Stops reading. What has been read already is still passed on. */
  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#codec !== undefined && !this.#closing) this.#socket.resume();
  }

  /** Calls `closer` once the socket is closed, whoever closed it. */
  onClosed(closer: () => void): void {
    this.#closers.push(closer);
  }

  /** Ends the connection after what was queued, with a Goodbye where the wire has one. `closed` is not called. */
  close(reason: GoodbyeReason, text: string): void {
    if (this.#closing) return;
    if (this.#codec === undefined) {
      this.#closing = true;
      this.#socket.destroy();
      return;
    }
    this.#codec.encoder.goodbye(reason, text);
    this.#finish();
  }

  /** Ends the connection at once. `closed` is not called. */
  destroy(): void {
    this.#closing = true;
    this.#codec?.decoder.end();
    this.#codec?.encoder.drain()?.release();
    this.#idle?.stop();
    this.#socket.destroy();
  }

  /** Answers a request. `payload` must not change until `lease` is released, once, by this connection. */
  block(piece: number, offset: number, payload: Uint8Array, lease: Lease): void {
    if (this.#closing) {
      lease.release();
      return;
    }
    this.#requireCodec().encoder.block(piece, offset, payload, lease);
    this.#touch();
  }

  choke(): void {
    this.#out().choke();
  }

  unchoke(): void {
    this.#out().unchoke();
  }

  interested(): void {
    this.#out().interested();
  }

  notInterested(): void {
    this.#out().notInterested();
  }

  have(piece: number): void {
    this.#out().have(piece);
  }

  bitfield(bits: Uint8Array): void {
    this.#out().bitfield(bits);
  }

  haveAll(): void {
    this.#out().haveAll();
  }

  haveNone(): void {
    this.#out().haveNone();
  }

  request(piece: number, offset: number, length: number): void {
    this.#out().request(piece, offset, length);
  }

  cancel(piece: number, offset: number, length: number): void {
    this.#out().cancel(piece, offset, length);
  }

  reject(piece: number, offset: number, length: number): void {
    this.#out().reject(piece, offset, length);
  }

  extensionHandshake(handshake: ExtensionHandshake): void {
    this.#out().extensionHandshake(handshake);
  }

  extended(id: number, payload: Uint8Array): void {
    this.#out().extended(id, payload);
  }

  goodbye(reason: GoodbyeReason, text: string): void {
    this.#out().goodbye(reason, text);
  }

  /** Hands what is queued to the kernel by one call. The end of the turn does it too. */
  flush(): void {
    this.#dirty = false;
    const batch = this.#codec?.encoder.drain();
    if (batch === undefined) return;
    this.#writing.push(batch);
    this.#writingBytes += batch.bytes;
    this.#writingControl += batch.bytes - batch.payload;
    this.#socket.write(batch, this.#written);
    if (this.#writingControl > MAX_CONTROL + (this.shape?.pieceCount ?? 0) / 8 && !this.#closing) {
      this.#fail('overloaded');
    }
  }

  target(): Uint8Array {
    return this.#codec?.decoder.target() ?? this.#context.scratch.head;
  }

  landed(count: number): void {
    const fault = this.#codec?.decoder.landed(count);
    if (fault !== undefined) this.#fail('protocol-error', fault);
  }

  received(bytes: Buffer): number {
    if (this.#codec === undefined) return 0;
    const fault = this.#codec.decoder.receive(bytes);
    if (fault !== undefined) this.#fail('protocol-error', fault);
    return bytes.length;
  }

  ended(end: SocketEnd): void {
    this.#fail(end);
  }

  closed(): void {
    this.#deadline?.cancel();
    for (const batch of this.#writing) batch.release();
    this.#writing.length = 0;
    this.#writingBytes = 0;
    for (const closer of this.#closers) closer();
  }

  readonly #written = (error?: Error | null): void => {
    // What an error leaves here is released when the socket is closed: until then it may be in use.
    const batch = error ? undefined : this.#writing.shift();
    if (batch === undefined) return;
    this.#writingBytes -= batch.bytes;
    this.#writingControl -= batch.bytes - batch.payload;
    this.#idle?.written();
    this.#unsent?.taken(batch.bytes);
    batch.release();
    if (!this.#closing) this.#receiver?.sent(batch.bytes);
  };

  /** The other side is to blame, or gone: tells the receiver. */
  #fail(end: ConnectionEnd, fault?: WireFault): void {
    if (this.#closing) return;
    if (fault !== undefined) {
      this.#codec!.encoder.goodbye(GoodbyeReason.protocolError, fault.message);
      this.#finish();
    } else this.destroy();
    this.#ended = fault === undefined ? { end } : { end, fault };
    this.#receiver?.closed(end, fault);
  }

  /** Reads no more, and closes once all is out or the deadline has passed. */
  #finish(): void {
    this.#closing = true;
    this.#codec!.decoder.end();
    this.#idle?.stop();
    this.#socket.pause();
    this.flush();
    this.#deadline = this.#context.timers.after(CLOSE_DEADLINE, () => this.#socket.destroy());
    this.#socket.end();
  }

  #progress() {
    const { decoder, encoder } = this.#codec!;
    return {
      bytesIn: decoder.bytesIn,
      bytesOut: encoder.bytesOut,
      reading: !this.#paused,
      writing: this.#writing.length > 0,
    };
  }

  /** The encoder, to be told something that will go out at the end of the turn. */
  #out() {
    const { encoder } = this.#requireCodec();
    if (!this.#closing) this.#touch();
    return encoder;
  }

  #requireCodec(): WireCodec {
    if (this.#codec === undefined) throw new Error('a message before the connection was attached');
    return this.#codec;
  }

  #touch(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#context.flushLater(this);
  }
}
