import type { Endpoint, Timers } from '@pixtorrent/core';
import type { WireLimits } from '@pixtorrent/peer-protocol';
import { type DialOptions, dial } from './dial.ts';
import { Listener, type ListenOptions } from './listener.ts';
import type { PeerConnection } from './peer-connection.ts';
import { TlsLayer, type TlsOptions } from './tls.ts';
import { TransportContext } from './transport-context.ts';

export interface TransportOptions {
  /** What this node takes from a peer. */
  readonly limits?: WireLimits;
  /** @default only plain connections */
  readonly tls?: TlsOptions;
}

/** Connections to peers over TCP, on both wires; one for all the torrents of a thread. */
export class TcpTransport {
  readonly #context: TransportContext;

  /** @throws NetworkError `bad-certificates` */
  constructor(timers: Timers, options: TransportOptions = {}) {
    const tls = options.tls && new TlsLayer(options.tls);
    this.#context = new TransportContext(timers, options.limits, tls);
  }

  /** @throws NetworkError where the port cannot be had */
  async listen(options: ListenOptions): Promise<Listener> {
    await this.#context.ready;
    return Listener.listen(this.#context, options);
  }

  /** Opens a connection up to and with the handshakes. How many are tried at once is the caller's business. @throws NetworkError */
  async dial(endpoint: Endpoint, options: DialOptions): Promise<PeerConnection> {
    await this.#context.ready;
    return dial(this.#context, endpoint, options);
  }
}
