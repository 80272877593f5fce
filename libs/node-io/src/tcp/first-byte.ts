import type { ByteSink, DirectSocket } from './direct-socket.ts';
import type { HandshakePhase } from './handshake-phase.ts';
import type { TlsLayer } from './tls.ts';
import type { TransportContext } from './transport-context.ts';

/** The type of a TLS record that carries a ClientHello. */
const TLS_HANDSHAKE = 0x16;

/** Why a connection was closed before the handshake of peers: plain where TLS is required, or no TLS came about. */
export type TlsRefusal = 'plain' | 'tls';

/** Tells by the first byte of an accepted connection whether it is TLS, and hands it on to the handshake of peers. */
export class FirstByte implements ByteSink {
  readonly #tls: TlsLayer;
  readonly #context: TransportContext;
  readonly #phase: HandshakePhase;
  readonly #refused: (why: TlsRefusal) => void;
  #socket: DirectSocket | undefined;
  #securing = false;

  constructor(
    tls: TlsLayer,
    context: TransportContext,
    phase: HandshakePhase,
    refused: (why: TlsRefusal) => void,
  ) {
    this.#tls = tls;
    this.#context = context;
    this.#phase = phase;
    this.#refused = refused;
  }

  begin(socket: DirectSocket): void {
    this.#socket = socket;
  }

  /** Whether it is within the handshake of TLS. */
  get securing(): boolean {
    return this.#securing && !this.#socket!.encrypted;
  }

  target(): Uint8Array {
    return this.#phase.target();
  }

  landed(count: number): void {
    const { head } = this.#context.scratch;
    if (this.#isPlain(head, count)) this.#phase.landed(count);
  }

  received(bytes: Buffer): number {
    return this.#isPlain(bytes, bytes.length) ? this.#phase.received(bytes) : bytes.length;
  }

  ended(): void {
    if (this.#securing) this.#refused('tls');
    this.#phase.ended();
  }

  closed(): void {}

  #isPlain(bytes: Buffer, end: number): boolean {
    const socket = this.#socket!;
    if (bytes[0] === TLS_HANDSHAKE) {
      this.#securing = true;
      socket.secure(this.#tls, Buffer.from(bytes.subarray(0, end)), this.#phase);
      return false;
    }
    if (this.#tls.policy === 'require') {
      socket.destroy();
      this.#refused('plain');
      this.#phase.ended();
      return false;
    }
    socket.sink = this.#phase;
    return true;
  }
}
