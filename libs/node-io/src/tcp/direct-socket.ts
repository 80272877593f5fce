import { connect, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Endpoint } from '@pixtorrent/core';
import type { OutputBatch } from '@pixtorrent/peer-protocol';
import type { TlsLayer } from './tls.ts';

/** How a connection went down, as far as the socket can tell. */
export type SocketEnd = 'remote-closed' | 'network-error';

/** Who takes the bytes of a socket. One takes over from another by assigning `DirectSocket.sink`. */
export interface ByteSink {
  /** Where the next bytes should land; asked before each read. */
  target(): Uint8Array;
  /** `count` bytes have landed in the last target. */
  landed(count: number): void;
  /**
   * Bytes in memory of the socket's own.
   * @returns how many were taken; the rest is offered again after `resume`
   */
  received(bytes: Buffer): number;
  /** The socket is of no more use; called once, unless `destroy` came first. */
  ended(end: SocketEnd): void;
  /** The socket is closed: no memory given to it is in use any more. Called once, last. */
  closed(): void;
}

/** Called in the course of a dial. */
export interface DialSteps {
  /** The other side has accepted. */
  connected(): void;
  /** The connection can be used: at once, or after the handshake of TLS. */
  ready(): void;
}

interface HandleOwner {
  _handle: { useUserBuffer?: unknown; readonly fd?: number } | null;
  /** Of TLS: the handle again, to be freed with its owner. */
  ssl?: unknown;
}

/** Bytes of what one record of TLS can hold. */
const MAX_RECORD = 16_384;

/**
 * A TCP socket that reads straight into memory which its sink names: the bytes of a block are never copied in user
 * space, or once where they come out of TLS. Node documents `onread` for sockets that dial. An accepted socket gets it
 * by handing its handle on to a new one; where that is not possible its 'data' events are used, which take 2.5 times
 * the processor time in TLS. Nothing else depends on how it is done.
 */
export class DirectSocket {
  sink: ByteSink;
  readonly remote: Endpoint;
  #socket: Socket;
  #encrypted = false;
  #paused = false;
  #over = false;
  /** What came out of TLS while paused: a record that has been read is passed on whole. At most one read of the kernel. */
  readonly #held: Buffer[] = [];
  #failure: string | undefined;

  private constructor(sink: ByteSink, remote: Endpoint, open: (self: DirectSocket) => Socket) {
    this.sink = sink;
    this.remote = remote;
    this.#socket = open(this);
    this.#watch(this.#socket);
  }

  /** With `tls` nothing reaches the sink before the other side has been certified. */
  static dial(endpoint: Endpoint, sink: ByteSink, steps: DialSteps, tls?: TlsLayer): DirectSocket {
    return new DirectSocket(sink, endpoint, (self) => {
      if (tls === undefined) {
        const socket = connect({ ...endpoint, onread: self.#onread() });
        return socket.once('connect', () => {
          steps.connected();
          steps.ready();
        });
      }
      self.#encrypted = true;
      const checkServerIdentity = () => undefined;
      const onread = self.#onreadDecrypted();
      const options = { ...endpoint, secureContext: tls.context, checkServerIdentity, onread };
      return connectTls(options).once('connect', steps.connected).once('secureConnect', steps.ready);
    });
  }

  /** `accepted` comes from a server with `pauseOnConnect`, and is not to be used any more. */
  static accept(accepted: Socket, sink: ByteSink): DirectSocket {
    const remote = { host: plainAddress(accepted.remoteAddress ?? ''), port: accepted.remotePort ?? 0 };
    return new DirectSocket(sink, remote, (self) => self.#takeOver(accepted, self.#onread()));
  }

  /** Whether what is read and written is within TLS. */
  get encrypted(): boolean {
    return this.#encrypted;
  }

  /** The system's descriptor; undefined where it is closed, or the system has none. */
  get fd(): number | undefined {
    const fd = (this.#socket as unknown as HandleOwner)._handle?.fd;
    return fd !== undefined && fd >= 0 ? fd : undefined;
  }

  /** Why it ended, by a name of Node's or OpenSSL's, where there was an error. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Goes on within TLS, of which `first` has come already, and for `sink` as soon as its handshake is done. */
  secure(tls: TlsLayer, first: Buffer, sink: ByteSink): void {
    const raw = this.#socket;
    raw.removeAllListeners('data').pause();
    raw.unshift(first);
    tls.accept(raw, (inner) => {
      if (this.#over) {
        inner.destroy();
        return;
      }
      this.sink = sink;
      this.#encrypted = true;
      const socket = this.#takeOver(inner, this.#onreadDecrypted());
      this.#socket = socket;
      this.#watch(socket);
      raw.once('close', () => socket.destroy());
    });
  }

  /** Hands a batch to the kernel by one call. `written` is called once the kernel has it all, or will not have it. */
  write(batch: OutputBatch, written: (error?: Error | null) => void): void {
    const { buffers } = batch;
    const last = buffers.length - 1;
    if (last > 0) this.#socket.cork();
    for (let i = 0; i < last; i++) this.#socket.write(buffers[i]!);
    this.#socket.write(buffers[last]!, written);
    if (last > 0) this.#socket.uncork();
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#held.length === 0) this.#socket.resume();
    else process.nextTick(() => this.#release());
  }

  /** Closes after what was written has gone out. */
  end(): void {
    this.#socket.end(() => this.#socket.destroy());
  }

  /** Closes now. `ByteSink.ended` is not called any more. */
  destroy(): void {
    this.#over = true;
    this.#socket.destroy();
  }

  #watch(socket: Socket): void {
    socket.setNoDelay(true);
    socket.on('end', () => this.#ended('remote-closed'));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure ??= error.code ?? error.name;
      this.#ended('network-error');
    });
    socket.on('close', () => {
      // What is beneath TLS closes before what is within.
      if (socket !== this.#socket) return;
      this.#ended('remote-closed');
      this.#held.length = 0;
      this.sink.closed();
    });
  }

  /** A socket that has the handle of `former`, and reads by `onread`; or `former`, where that cannot be. */
  #takeOver(former: Socket, onread: object): Socket {
    const owner = former as unknown as HandleOwner;
    const { _handle: handle, ssl } = owner;
    if (typeof handle?.useUserBuffer !== 'function') {
      return former.on('data', (bytes: Buffer) => this.#received(bytes)).resume();
    }
    owner._handle = null;
    if (ssl !== undefined) owner.ssl = null;
    former.destroy();
    const options = { handle, onread } as unknown as ConstructorParameters<typeof Socket>[0];
    return Object.assign(new Socket(options), ssl !== undefined && { ssl });
  }

  #onread() {
    return {
      buffer: () => this.sink.target(),
      callback: (count: number): boolean => {
        this.sink.landed(count);
        return !this.#paused;
      },
    };
  }

  /** TLS goes on passing what it has decrypted after reading was paused: that lands in memory of its own, and waits. */
  #onreadDecrypted() {
    let aside: Buffer | undefined;
    return {
      buffer: (): Uint8Array => {
        aside = this.#paused || this.#held.length > 0 ? Buffer.allocUnsafe(MAX_RECORD) : undefined;
        return aside ?? this.sink.target();
      },
      callback: (count: number): boolean => {
        if (aside === undefined) this.sink.landed(count);
        else {
          this.#held.push(aside.subarray(0, count));
          this.#release();
        }
        return !this.#paused;
      },
    };
  }

  #release(): void {
    while (!this.#paused && !this.#over) {
      const bytes = this.#held.shift();
      if (bytes === undefined) {
        this.#socket.resume();
        return;
      }
      const taken = this.sink.received(bytes);
      if (taken < bytes.length) this.#held.unshift(bytes.subarray(taken));
    }
  }

  #received(bytes: Buffer): void {
    const taken = this.sink.received(bytes);
    if (taken < bytes.length) this.#socket.unshift(bytes.subarray(taken));
  }

  #ended(end: SocketEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.sink.ended(end);
  }
}

/** An IPv4 address in its own form, also where the socket speaks IPv6. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
