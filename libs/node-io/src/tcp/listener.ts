import { createServer, type Server, type Socket } from 'node:net';
import type { InfoHash, Timer } from '@pixtorrent/core';
import { InboundHandshake, type KnownTorrent, type ParsedHandshake } from '@pixtorrent/peer-protocol';
import { DirectSocket } from './direct-socket.ts';
import { listenError } from './errors.ts';
import { FirstByte, type TlsRefusal } from './first-byte.ts';
import { HandshakePhase } from './handshake-phase.ts';
import { PeerConnection } from './peer-connection.ts';
import type { TransportContext } from './transport-context.ts';

export interface ListenOptions {
  /** @default every address of this machine */
  readonly host?: string;
  /** 0 has the system pick one. */
  readonly port: number;
  /** Whether this node has the torrent, asked before anything is answered. */
  readonly lookup: (hash: InfoHash) => KnownTorrent | undefined;
  /** A peer came in and shook hands. The connection reads nothing until it is attached. */
  readonly connected: (connection: PeerConnection) => void;
  /** Accepted connections after their handshake; more are closed. @default 2,000 */
  readonly maxConnections?: number;
  /** Accepted connections before their handshake; one more drops the oldest. @default 512 */
  readonly maxHandshakes?: number;
  /** The same for one address. @default 128 */
  readonly maxHandshakesPerAddress?: number;
  /** How long a handshake may take, ms. @default 10,000 */
  readonly handshakeTimeout?: number;
}

/** Connections that the kernel holds until they are accepted; beyond them a dialler waits a second to try again. */
const BACKLOG = 4_096;

interface Pending {
  readonly socket: DirectSocket;
  readonly deadline: Timer;
  /** Where TLS is taken. */
  readonly first: FirstByte | undefined;
}

/** One port for the peers of every torrent, on both wires. */
export class Listener {
  readonly #context: TransportContext;
  readonly #options: Required<Omit<ListenOptions, 'host'>>;
  readonly #server: Server;
  /** In the order in which they came. */
  readonly #pending = new Set<Pending>();
  readonly #pendingByAddress = new Map<string, Set<Pending>>();
  readonly #open = new Set<PeerConnection>();
  readonly #refused: Record<TlsRefusal, number> = { plain: 0, tls: 0 };

  private constructor(context: TransportContext, options: ListenOptions) {
    this.#context = context;
    this.#options = {
      maxConnections: 2_000,
      maxHandshakes: 512,
      maxHandshakesPerAddress: 128,
      handshakeTimeout: 10_000,
      ...options,
    };
    this.#server = createServer({ pauseOnConnect: true }, (accepted) => this.#accept(accepted));
  }

  /** @throws NetworkError where the port cannot be had */
  static listen(context: TransportContext, options: ListenOptions): Promise<Listener> {
    const listener = new Listener(context, options);
    const server = listener.#server;
    return new Promise((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException): void => {
        reject(listenError(error, options.host ?? 'every address', options.port));
      };
      server.once('error', fail);
      const { host, port } = options;
      server.listen({ port, backlog: BACKLOG, ...(host !== undefined && { host }) }, () => {
        server.off('error', fail);
        // Out of file descriptors: the connections that there are go on.
        server.on('error', () => {});
        resolve(listener);
      });
    });
  }

  /** The port in use. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Accepted connections before their handshake, and after it. */
  get counts(): { readonly handshakes: number; readonly connections: number } {
    return { handshakes: this.#pending.size, connections: this.#open.size };
  }

  /** Connections closed since the start: because they were plain and TLS is required, or because no TLS came about. */
  get refused(): Readonly<Record<TlsRefusal, number>> {
    return { ...this.#refused };
  }

  /** Accepts no more, and drops what has not shaken hands; the connections that were handed over are their owners'. */
  close(): Promise<void> {
    for (const pending of this.#pending) this.#drop(pending);
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(accepted: Socket): void {
    if (this.#open.size >= this.#options.maxConnections || accepted.remoteAddress === undefined) {
      accepted.destroy();
      return;
    }
    const phase = new HandshakePhase(
      new InboundHandshake(this.#options.lookup, this.#context.limits),
      this.#context,
      {
        opened: (handshake) => {
          this.#forget(pending);
          this.#opened(socket, handshake, phase.exchange.torrent!);
        },
        failed: () => this.#forget(pending),
      },
    );
    const { tls } = this.#context;
    const first = tls && new FirstByte(tls, this.#context, phase, (why) => this.#refused[why]++);
    const socket = DirectSocket.accept(accepted, first ?? phase);
    const deadline = this.#context.timers.after(this.#options.handshakeTimeout, () => this.#drop(pending));
    const pending: Pending = { socket, deadline, first };
    this.#remember(pending);
    first?.begin(socket);
    phase.begin(socket);
  }

  #opened(socket: DirectSocket, handshake: ParsedHandshake, torrent: KnownTorrent): void {
    if (this.#open.size >= this.#options.maxConnections) {
      socket.destroy();
      return;
    }
    const connection = new PeerConnection(socket, this.#context, {
      handshake,
      shape: torrent.shape,
      incoming: true,
    });
    this.#open.add(connection);
    connection.onClosed(() => this.#open.delete(connection));
    this.#options.connected(connection);
  }

  #remember(pending: Pending): void {
    const { host } = pending.socket.remote;
    let siblings = this.#pendingByAddress.get(host);
    if (siblings === undefined) {
      siblings = new Set();
      this.#pendingByAddress.set(host, siblings);
    }
    if (siblings.size >= this.#options.maxHandshakesPerAddress) this.#drop(oldest(siblings));
    else if (this.#pending.size >= this.#options.maxHandshakes) this.#drop(oldest(this.#pending));
    // Dropping the last of an address forgets the address.
    this.#pendingByAddress.set(host, siblings);
    siblings.add(pending);
    this.#pending.add(pending);
  }

  #drop(pending: Pending): void {
    this.#forget(pending);
    if (pending.first?.securing) this.#refused.tls++;
    pending.socket.destroy();
  }

  #forget(pending: Pending): void {
    pending.deadline.cancel();
    this.#pending.delete(pending);
    const { host } = pending.socket.remote;
    const siblings = this.#pendingByAddress.get(host);
    siblings?.delete(pending);
    if (siblings?.size === 0) this.#pendingByAddress.delete(host);
  }
}

/** The first of a set that is not empty: the one that has waited longest. */
function oldest(set: ReadonlySet<Pending>): Pending {
  return set.values().next().value!;
}
