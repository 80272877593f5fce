import type { DisconnectReason, Peer } from '@pixtorrent/engine';
import type { ConnectionEnd, ConnectionReceiver } from '@pixtorrent/node-io';
import type { ExtensionHandshake, GoodbyeReason } from '@pixtorrent/peer-protocol';
import type { Distribution } from '../figures/distribution.ts';
import type { PieceBuffers } from './piece-buffers.ts';
import type { SocketLink } from './socket-link.ts';

/** A peer that asks much and reads nothing breaks no rule of the wire, but costs as much as if it did. */
function reasonOf(end: ConnectionEnd): DisconnectReason {
  return end === 'overloaded' ? 'protocol-error' : end;
}

/** The handling of one message in so many is timed; a power of two. */
const SAMPLE = 64;

/** The incoming half of a connection: takes each message to the engine's peer, and each block into its piece. */
export class SocketInbox implements ConnectionReceiver {
  /** Undefined where the engine refused the connection: then nothing comes in any more. */
  peer: Peer | undefined;
  readonly #link: SocketLink;
  readonly #buffers: PieceBuffers;
  readonly #latency: Distribution;
  #messages = 0;

  /** @param latency milliseconds that the handling of a message took, of some */
  constructor(link: SocketLink, buffers: PieceBuffers, latency: Distribution) {
    this.#link = link;
    this.#buffers = buffers;
    this.#latency = latency;
  }

  blockBegin(piece: number, offset: number, length: number): Uint8Array | undefined {
    if (!this.peer?.blockBegin(piece, offset, length)) return undefined;
    return this.#buffers.slot(piece)!.buffer.subarray(offset, offset + length);
  }

  blockEnd(piece: number, offset: number, length: number): void {
    const start = this.#begin();
    this.peer?.blockEnd(piece, offset, length);
    if (start > 0) this.#latency.record(performance.now() - start);
  }

  blockAbort(piece: number, offset: number, length: number): void {
    this.peer?.blockAbort(piece, offset, length);
  }

  sent(): void {
    this.#link.sent();
  }

  closed(end: ConnectionEnd): void {
    this.peer?.closed(reasonOf(end));
  }

  terms(requestWindow: number, maxRequest: number): void {
    this.peer?.terms(requestWindow, maxRequest);
  }

  choke(): void {
    this.peer?.choke();
  }

  unchoke(): void {
    this.peer?.unchoke();
  }

  interested(): void {
    this.peer?.interested();
  }

  notInterested(): void {
    this.peer?.notInterested();
  }

  have(piece: number): void {
    const start = this.#begin();
    this.peer?.have(piece);
    if (start > 0) this.#latency.record(performance.now() - start);
  }

  bitfield(bits: Uint8Array): void {
    this.peer?.bitfield(bits);
  }

  haveAll(): void {
    this.peer?.haveAll();
  }

  haveNone(): void {
    this.peer?.haveNone();
  }

  request(piece: number, offset: number, length: number): void {
    const start = this.#begin();
    this.peer?.request(piece, offset, length);
    if (start > 0) this.#latency.record(performance.now() - start);
  }

  cancel(piece: number, offset: number, length: number): void {
    this.peer?.cancel(piece, offset, length);
  }

  reject(piece: number, offset: number, length: number): void {
    this.peer?.reject(piece, offset, length);
  }

  suggest(piece: number): void {
    this.peer?.suggest(piece);
  }

  allowedFast(piece: number): void {
    this.peer?.allowedFast(piece);
  }

  extensionHandshake(handshake: ExtensionHandshake): void {
    this.peer?.extensionHandshake(handshake);
  }

  extended(id: number, payload: Uint8Array): void {
    this.peer?.extended(id, payload);
  }

  goodbye(reason: GoodbyeReason, text: string): void {
    this.peer?.goodbye(reason, text);
  }

  /** @returns the time, or 0 for a message that is not to be timed */
  #begin(): number {
    return (++this.#messages & (SAMPLE - 1)) === 0 ? performance.now() : 0;
  }
}
