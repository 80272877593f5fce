import type { DisconnectReason, PeerLink } from '@pixtorrent/engine';
import type { CachedPieces, Lease, PeerConnection } from '@pixtorrent/node-io';
import type { ExtensionHandshake, GoodbyeReason, WireName } from '@pixtorrent/peer-protocol';
import type { PieceBuffers } from './piece-buffers.ts';

/** What a link needs to read the blocks that it sends. */
export interface BlockSource {
  readonly buffers: PieceBuffers;
  readonly cache: CachedPieces;
  /** A piece could not be read. */
  readonly readFailed: (piece: number, error: Error) => void;
}

/** Who is told what became of the blocks: the engine's `Peer`. */
export interface BlockSender {
  blockSent(length: number): void;
  blockNotSent(piece: number, offset: number, length: number): void;
}

/** The outgoing half of a connection, for the engine: messages go to the socket, blocks are read first. */
export class SocketLink implements PeerLink {
  readonly #connection: PeerConnection;
  readonly #source: BlockSource;
  /** Set once the engine has taken the connection. */
  sender: BlockSender | undefined;
  /** Bytes of blocks handed to the connection of which the engine was not told yet that they are out. */
  #unsent = 0;

  constructor(connection: PeerConnection, source: BlockSource) {
    this.#connection = connection;
    this.#source = source;
  }

  get wire(): WireName {
    return this.#connection.wire;
  }

  get rejects(): boolean {
    return this.#connection.rejects;
  }

  sendBlock(piece: number, offset: number, length: number): void {
    const { buffers, cache } = this.#source;
    const fresh = buffers.unwritten(piece);
    if (fresh) {
      fresh.retain();
      this.#unsent += length;
      this.#connection.block(piece, offset, fresh.buffer.subarray(offset, offset + length), fresh);
      return;
    }
    const read = cache.read(piece, offset, length);
    if (!(read instanceof Promise)) {
      this.#write(piece, offset, length, read);
      return;
    }
    read.then(
      (lease) => this.#write(piece, offset, length, lease),
      (error) => {
        this.sender?.blockNotSent(piece, offset, length);
        this.#source.readFailed(piece, error);
      },
    );
  }

  /** The kernel has taken some of what was queued. */
  sent(): void {
    const waiting = Math.min(this.#unsent, this.#connection.bufferedBytes);
    const gone = this.#unsent - waiting;
    this.#unsent = waiting;
    if (gone > 0) this.sender?.blockSent(gone);
  }

  close(_reason: DisconnectReason, goodbye: GoodbyeReason, text: string): void {
    this.#connection.close(goodbye, text);
  }

  choke(): void {
    this.#connection.choke();
  }

  unchoke(): void {
    this.#connection.unchoke();
  }

  interested(): void {
    this.#connection.interested();
  }

  notInterested(): void {
    this.#connection.notInterested();
  }

  have(piece: number): void {
    this.#connection.have(piece);
  }

  bitfield(bits: Uint8Array): void {
    this.#connection.bitfield(bits);
  }

  haveAll(): void {
    this.#connection.haveAll();
  }

  haveNone(): void {
    this.#connection.haveNone();
  }

  request(piece: number, offset: number, length: number): void {
    this.#connection.request(piece, offset, length);
  }

  cancel(piece: number, offset: number, length: number): void {
    this.#connection.cancel(piece, offset, length);
  }

  reject(piece: number, offset: number, length: number): void {
    this.#connection.reject(piece, offset, length);
  }

  extensionHandshake(handshake: ExtensionHandshake): void {
    this.#connection.extensionHandshake(handshake);
  }

  extended(id: number, payload: Uint8Array): void {
    this.#connection.extended(id, payload);
  }

  goodbye(reason: GoodbyeReason, text: string): void {
    this.#connection.goodbye(reason, text);
  }

  #write(piece: number, offset: number, length: number, lease: Lease): void {
    const start = offset - lease.start;
    this.#unsent += length;
    this.#connection.block(piece, offset, lease.buffer.subarray(start, start + length), lease);
  }
}
