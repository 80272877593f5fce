import type { InfoHash, PeerId } from '@pixtorrent/core';

/** The two languages of one port: our own (docs/protocol/pixwire.md) and BitTorrent's (BEP 3). */
export type WireName = 'pixwire' | 'bep3';

/** Why a connection ends, as PixWire's Goodbye says it (docs/protocol/pixwire.md, frame 0x10). */
export const GoodbyeReason = {
  leaving: 0,
  version: 1,
  duplicate: 2,
  protocolError: 3,
  overloaded: 4,
  banned: 5,
  draining: 6,
  /** Neither side wants anything of the other: it has everything. */
  complete: 7,
} as const;
export type GoodbyeReason = (typeof GoodbyeReason)[keyof typeof GoodbyeReason];

/** What the other side said of itself when the connection opened, on either wire. */
export interface PeerHandshake {
  readonly wire: WireName;
  readonly infoHash: InfoHash;
  readonly peerId: PeerId;
  /** It answers each request it drops by a Reject (PixWire; BEP 6). */
  readonly fast: boolean;
  /** It takes extension messages (PixWire; BEP 10). */
  readonly extensions: boolean;
  /** Bytes of requests that it queues for us, as far as the handshake says. */
  readonly requestWindow: number;
  /** The longest single request that it answers, bytes. */
  readonly maxRequest: number;
}

/** The extension handshake of BEP 10 (PixWire: Extension, id 0), with the keys that we use. */
export interface ExtensionHandshake {
  /** Extension name to the id that the sender wants it sent under; an id of 0 is left out. */
  readonly ids: Readonly<Record<string, number>>;
  /** Client name and version, made printable. */
  readonly client?: string;
  /** The sender's listening port. */
  readonly port?: number;
  /** Requests that it queues (`reqq`). */
  readonly requestQueue?: number;
  /** It wants no data (BEP 21). */
  readonly uploadOnly?: boolean;
  /** Bytes of the info dictionary (BEP 9). */
  readonly metadataSize?: number;
}

/**
 * The messages of a connection in terms common to both wires. An encoder implements it for what goes out; the
 * owner of a decoder implements it for what comes in; so two engines can also be joined without any bytes.
 * Lengths and offsets are bytes. `piece` and ranges from a decoder have been checked against the torrent.
 */
export interface WireMessages {
  choke(): void;
  unchoke(): void;
  interested(): void;
  notInterested(): void;
  have(piece: number): void;
  /** `bits`: in wire order, valid during the call only. */
  bitfield(bits: Uint8Array): void;
  haveAll(): void;
  haveNone(): void;
  request(piece: number, offset: number, length: number): void;
  cancel(piece: number, offset: number, length: number): void;
  /** The request will not be answered by data. Nothing is sent on a wire that has no such message. */
  reject(piece: number, offset: number, length: number): void;
  extensionHandshake(handshake: ExtensionHandshake): void;
  /** A BEP 10 message under the receiver's `id` (1 to 255). `payload` is valid during the call only. */
  extended(id: number, payload: Uint8Array): void;
  /** The last message of a connection. BEP 3 has none: there the connection just closes. */
  goodbye(reason: GoodbyeReason, text: string): void;
}

/** What a decoder calls, in the order of the bytes. */
export interface WireReceiver extends WireMessages {
  /** The other side changed what it takes: bytes of queued requests, and the longest single one. */
  terms(requestWindow: number, maxRequest: number): void;
  /** A piece worth asking for (BEP 6). */
  suggest(piece: number): void;
  /** A piece that may be asked for while choked (BEP 6). */
  allowedFast(piece: number): void;
  /**
   * A payload of `length` bytes begins: a whole answer to a request, or a part of one in order.
   * @returns the memory, exactly `length` bytes, into which it is to land, and which stays the decoder's until
   *   `blockEnd` or `blockAbort`; undefined to have the payload dropped (then `blockEnd` is not called)
   */
  blockBegin(piece: number, offset: number, length: number): Uint8Array | undefined;
  /** The payload of the last `blockBegin` has landed whole. */
  blockEnd(piece: number, offset: number, length: number): void;
  /** The connection ended within the payload of the last `blockBegin`: its memory is no longer written to. */
  blockAbort(piece: number, offset: number, length: number): void;
}

/** A peer broke the protocol; the connection is to be closed. The text names the rule, not the peer's bytes. */
export interface WireFault {
  readonly code:
    | 'bad-handshake'
    | 'bad-version'
    | 'unknown-torrent'
    | 'frame-too-long'
    | 'bad-length'
    | 'bad-range'
    | 'bad-bitfield'
    | 'out-of-order'
    | 'bad-extension';
  readonly message: string;
}

/** The shape of the torrent that a codec checks pieces and ranges against. */
export interface TorrentShape {
  readonly pieceCount: number;
  /** Bytes in every piece but the last. */
  readonly pieceLength: number;
  /** Bytes in the whole content. */
  readonly length: number;
}
