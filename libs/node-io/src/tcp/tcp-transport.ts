import type { Endpoint, Timers } from '@pixtorrent/core';
import type { WireLimits } from '@pixtorrent/peer-protocol';
import { type DialOptions, dial } from './dial.ts';
import { Listener, type ListenOptions } from './listener.ts';
import type { PeerConnection } from './peer-connection.ts';
import { TransportContext } from './transport-context.ts';

/** Connections to peers over TCP, on both wires; one for all the torrents of a thread. */
export class TcpTransport {
  readonly #context: TransportContext;

  /** `limits`: what this node takes from a peer. */
  constructor(timers: Timers, limits?: WireLimits) {
    this.#context = new TransportContext(timers, limits);
  }

  /** @throws NetworkError where the port cannot be had */
  listen(options: ListenOptions): Promise<Listener> {
    return Listener.listen(this.#context, options);
  }

  /** Opens a connection up to and with the handshakes. How many are tried at once is the caller's business. @throws NetworkError */
  dial(endpoint: Endpoint, options: DialOptions): Promise<PeerConnection> {
    return dial(this.#context, endpoint, options);
  }
}
