import { hash } from 'node:crypto';
import { type InfoHash, sameBytes } from '@pixtorrent/core';
import type { ConnectionReceiver, PeerConnection } from '@pixtorrent/node-io';
import {
  decodeMetadataMessage,
  type ExtensionHandshake,
  encodeMetadataMessage,
  GoodbyeReason,
  MAX_METADATA,
  METADATA_PIECE_LENGTH,
} from '@pixtorrent/peer-protocol';

/** The id under which peers send us ut_metadata messages. */
const METADATA_ID = 1;
/** Requests outstanding at one peer. */
const AHEAD = 4;

/**
 * Fetches the info dictionary from one peer (BEP 9). The memory grows with what has arrived, not with what the peer
 * claims; the result is taken only when its hash is right.
 */
export class MetadataExchange implements ConnectionReceiver {
  readonly #connection: PeerConnection;
  readonly #infoHash: InfoHash;
  readonly #settle: (info: Uint8Array | undefined) => void;
  readonly #parts: Uint8Array[] = [];
  #theirId = 0;
  #size = 0;
  #asked = 0;
  #done = false;

  private constructor(connection: PeerConnection, infoHash: InfoHash, settle: (info?: Uint8Array) => void) {
    this.#connection = connection;
    this.#infoHash = infoHash;
    this.#settle = settle;
  }

  /** @returns the info dictionary's bytes; undefined where this peer does not give them, or gives wrong ones */
  static run(
    connection: PeerConnection,
    infoHash: InfoHash,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      const exchange = new MetadataExchange(connection, infoHash, resolve);
      const abort = () => exchange.#finish(undefined);
      signal.addEventListener('abort', abort, { once: true });
      connection.onClosed(() => signal.removeEventListener('abort', abort));
      connection.attach(exchange);
      if (!connection.handshake.extensions) exchange.#finish(undefined);
      else {
        connection.haveNone();
        connection.extensionHandshake({ ids: { ut_metadata: METADATA_ID }, client: 'PixTorrent' });
      }
    });
  }

  extensionHandshake(handshake: ExtensionHandshake): void {
    const { ids, metadataSize = 0 } = handshake;
    if (this.#size > 0) return;
    if (!ids.ut_metadata || metadataSize < 1 || metadataSize > MAX_METADATA) {
      this.#finish(undefined);
      return;
    }
    this.#theirId = ids.ut_metadata;
    this.#size = metadataSize;
    this.#ask();
  }

  extended(id: number, payload: Uint8Array): void {
    const message = id === METADATA_ID ? decodeMetadataMessage(payload) : undefined;
    if (message?.type === 'reject') this.#finish(undefined);
    if (message?.type !== 'data' || this.#done) return;
    if (message.totalSize !== this.#size || message.piece !== this.#parts.length) {
      this.#finish(undefined);
      return;
    }
    this.#parts.push(Uint8Array.from(message.data));
    if (this.#parts.length < this.#count) this.#ask();
    else this.#check();
  }

  closed(): void {
    this.#finish(undefined);
  }

  sent(): void {}
  terms(): void {}
  choke(): void {}
  unchoke(): void {}
  interested(): void {}
  notInterested(): void {}
  have(): void {}
  bitfield(): void {}
  haveAll(): void {}
  haveNone(): void {}
  request(piece: number, offset: number, length: number): void {
    this.#connection.reject(piece, offset, length);
  }
  cancel(): void {}
  reject(): void {}
  suggest(): void {}
  allowedFast(): void {}
  goodbye(): void {}
  blockBegin(): undefined {}
  blockEnd(): void {}
  blockAbort(): void {}

  get #count(): number {
    return Math.ceil(this.#size / METADATA_PIECE_LENGTH);
  }

  #ask(): void {
    while (this.#asked < Math.min(this.#count, this.#parts.length + AHEAD)) {
      this.#connection.extended(
        this.#theirId,
        encodeMetadataMessage({ type: 'request', piece: this.#asked++ }),
      );
    }
  }

  #check(): void {
    const info = Buffer.concat(this.#parts);
    this.#finish(sameBytes(hash('sha1', info, 'buffer'), this.#infoHash) ? info : undefined);
  }

  #finish(info: Uint8Array | undefined): void {
    if (this.#done) return;
    this.#done = true;
    this.#connection.close(GoodbyeReason.leaving, 'metadata');
    this.#settle(info);
  }
}
