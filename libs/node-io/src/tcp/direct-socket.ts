import { connect, Socket } from 'node:net';
import type { Endpoint } from '@pixtorrent/core';
import type { OutputBatch } from '@pixtorrent/peer-protocol';

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

interface HandleOwner {
  _handle: { useUserBuffer?: unknown } | null;
}

/**
 * A TCP socket that reads straight into memory which its sink names: the bytes of a block are never copied in user
 * space. Node documents `onread` for sockets that dial. An accepted socket gets it by handing its handle on to a new
 * one; where that is not possible its 'data' events are used. Nothing else depends on how it is done.
 */
export class DirectSocket {
  sink: ByteSink;
  readonly remote: Endpoint;
  readonly #socket: Socket;
  #over = false;

  private constructor(sink: ByteSink, remote: Endpoint, open: (self: DirectSocket) => Socket) {
    this.sink = sink;
    this.remote = remote;
    this.#socket = open(this);
    this.#socket.setNoDelay(true);
    this.#socket.on('end', () => this.#ended('remote-closed'));
    this.#socket.on('error', () => this.#ended('network-error'));
    this.#socket.on('close', () => {
      this.#ended('remote-closed');
      this.sink.closed();
    });
  }

  /** `connected` is called once the other side has accepted. */
  static dial(endpoint: Endpoint, sink: ByteSink, connected: () => void): DirectSocket {
    return new DirectSocket(sink, endpoint, (self) => {
      const socket = connect({ ...endpoint, onread: self.#onread() });
      socket.once('connect', connected);
      return socket;
    });
  }

  /** `accepted` comes from a server with `pauseOnConnect`, and is not to be used any more. */
  static accept(accepted: Socket, sink: ByteSink): DirectSocket {
    const remote = { host: plainAddress(accepted.remoteAddress ?? ''), port: accepted.remotePort ?? 0 };
    return new DirectSocket(sink, remote, (self) => {
      const owner = accepted as unknown as HandleOwner;
      const handle = owner._handle;
      if (typeof handle?.useUserBuffer !== 'function') {
        return accepted.on('data', (bytes: Buffer) => self.#received(bytes)).resume();
      }
      owner._handle = null;
      accepted.destroy();
      const options = { handle, onread: self.#onread() };
      return new Socket(options as unknown as ConstructorParameters<typeof Socket>[0]);
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
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
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

  #onread() {
    return {
      buffer: () => this.sink.target(),
      callback: (count: number): boolean => {
        this.sink.landed(count);
        return !this.#socket.isPaused();
      },
    };
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
