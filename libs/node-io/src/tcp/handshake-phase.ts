import {
  type HandshakeExchange,
  OutputBatch,
  type ParsedHandshake,
  type WireFault,
} from '@pixtorrent/peer-protocol';
import type { ByteSink, DirectSocket } from './direct-socket.ts';
import type { TransportContext } from './transport-context.ts';

/** Why no connection came of a handshake: the other side went away, or broke the rules. */
export type HandshakeFailure = 'closed' | WireFault;

export interface HandshakeOwner {
  /** The handshake is whole. Reading is paused: assign the socket's next sink, then resume. */
  opened(handshake: ParsedHandshake): void;
  /** The socket is, or is being, closed. */
  failed(failure: HandshakeFailure): void;
}

/** Takes a socket through the exchange of handshakes, and reads not one byte past it. */
export class HandshakePhase<Exchange extends HandshakeExchange = HandshakeExchange> implements ByteSink {
  readonly exchange: Exchange;
  readonly #context: TransportContext;
  readonly #owner: HandshakeOwner;
  #socket: DirectSocket | undefined;

  constructor(exchange: Exchange, context: TransportContext, owner: HandshakeOwner) {
    this.exchange = exchange;
    this.#context = context;
    this.#owner = owner;
  }

  /** The socket is connected: sends what the exchange has to say first. */
  begin(socket: DirectSocket): void {
    this.#socket = socket;
    this.#send();
  }

  target(): Uint8Array {
    return this.#context.scratch.head.subarray(0, this.exchange.missing || 1);
  }

  landed(count: number): void {
    this.#take(this.#context.scratch.head, count);
  }

  received(bytes: Buffer): number {
    return this.#take(bytes, bytes.length);
  }

  ended(): void {
    this.#owner.failed('closed');
  }

  closed(): void {}

  #take(bytes: Buffer, end: number): number {
    const socket = this.#socket!;
    const taken = this.exchange.receive(bytes, end);
    this.#send();
    if (typeof taken !== 'number') {
      socket.pause();
      socket.end();
      this.#owner.failed(taken);
      return end;
    }
    if (this.exchange.handshake !== undefined) {
      socket.pause();
      this.#owner.opened(this.exchange.handshake);
    }
    return taken;
  }

  #send(): void {
    const output = this.exchange.takeOutput();
    if (output.length === 0) return;
    const batch = new OutputBatch(this.#context.pool);
    for (const bytes of output) batch.add(bytes);
    this.#socket!.write(batch, () => {});
  }
}
