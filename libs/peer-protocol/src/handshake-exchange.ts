import { type InfoHash, type PeerId, sameBytes } from '@pixtorrent/core';
import {
  BEP3_HASH_END,
  beginsHandshake,
  encodeHandshake,
  HANDSHAKE_LENGTH,
  handshakeInfoHash,
  type ParsedHandshake,
  parseHandshake,
  wireOf,
} from './handshake.ts';
import { DEFAULT_LIMITS, type WireLimits } from './limits.ts';
import { ControlPool } from './outbox.ts';
import { PixWireEncoder } from './pixwire-encoder.ts';
import { GoodbyeReason, type TorrentShape, type WireFault, type WireName } from './wire.ts';

/** A torrent that this node knows, and the name by which it appears there. */
export interface KnownTorrent {
  readonly peerId: PeerId;
  /** Undefined while its metadata is not known (BEP 9). */
  readonly shape: TorrentShape | undefined;
}

/**
 * The exchange of handshakes by which a connection begins: bytes in, bytes to send, and at last what the other side
 * said. After a fault the connection is to be closed without a word, apart from what is in `output`.
 */
export abstract class HandshakeExchange {
  /** What the other side said, once it is here whole. */
  handshake: ParsedHandshake | undefined;
  #output: Uint8Array[] = [];
  readonly #bytes = Buffer.alloc(HANDSHAKE_LENGTH);
  #length = 0;

  /** Bytes of the handshake that have come. */
  get received(): number {
    return this.#length;
  }

  /** Bytes still to come. */
  get missing(): number {
    return HANDSHAKE_LENGTH - this.#length;
  }

  /** What is to be sent now, in order. */
  takeOutput(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  /**
   * Takes bytes up to the end of the handshake.
   * @returns how many it took, the rest belongs to the decoder; or why the connection is to be closed
   */
  receive(bytes: Uint8Array, end: number = bytes.length): number | WireFault {
    const count = Math.min(HANDSHAKE_LENGTH - this.#length, end);
    for (let i = 0; i < count; i++) this.#bytes[this.#length + i] = bytes[i]!;
    this.#length += count;
    if (count === 0) return 0;
    const fault = this.#progress();
    return fault ?? count;
  }

  protected send(bytes: Uint8Array): void {
    this.#output.push(bytes);
  }

  /** The wire by the first byte, if it may be spoken here. */
  protected abstract wire(first: number): WireName | undefined;
  /** The info hash is here, and perhaps no more than that. */
  protected abstract named(wire: WireName, hash: InfoHash): WireFault | undefined;
  /** Our own peer ID towards this peer. */
  protected abstract get ownId(): PeerId;

  #progress(): WireFault | undefined {
    const wire = this.wire(this.#bytes[0]!);
    if (wire === undefined || !beginsHandshake(wire, this.#bytes, this.#length)) {
      return { code: 'bad-handshake', message: 'not a handshake' };
    }
    if (this.#length < (wire === 'bep3' ? BEP3_HASH_END : HANDSHAKE_LENGTH)) return undefined;
    const fault = this.named(wire, handshakeInfoHash(wire, this.#bytes));
    if (fault !== undefined || this.#length < HANDSHAKE_LENGTH) return fault;
    const parsed = parseHandshake(wire, this.#bytes);
    if ('code' in parsed) {
      if (parsed.code === 'bad-version') this.send(goodbyeVersion());
      return parsed;
    }
    if (sameBytes(parsed.peerId, this.ownId))
      return { code: 'bad-handshake', message: 'a connection to itself' };
    this.handshake = parsed;
    return undefined;
  }
}

/** The side that accepted: it learns the torrent first, and answers only for one that it knows. */
export class InboundHandshake extends HandshakeExchange {
  /** What `lookup` knew. */
  torrent: KnownTorrent | undefined;
  readonly #lookup: (hash: InfoHash) => KnownTorrent | undefined;
  readonly #limits: WireLimits;

  constructor(lookup: (hash: InfoHash) => KnownTorrent | undefined, limits: WireLimits = DEFAULT_LIMITS) {
    super();
    this.#lookup = lookup;
    this.#limits = limits;
  }

  protected override wire(first: number): WireName | undefined {
    return wireOf(first);
  }

  protected override named(wire: WireName, hash: InfoHash): WireFault | undefined {
    if (this.torrent !== undefined) return undefined;
    this.torrent = this.#lookup(hash);
    if (this.torrent === undefined) return { code: 'unknown-torrent', message: 'no such torrent here' };
    this.send(encodeHandshake(wire, hash, this.torrent.peerId, this.#limits));
    return undefined;
  }

  protected override get ownId(): PeerId {
    return this.torrent!.peerId;
  }
}

/** The side that dialled: it speaks first and wants the same wire and torrent back. */
export class OutboundHandshake extends HandshakeExchange {
  protected override readonly ownId: PeerId;
  readonly #wire: WireName;
  readonly #infoHash: InfoHash;

  constructor(wire: WireName, hash: InfoHash, ownId: PeerId, limits: WireLimits = DEFAULT_LIMITS) {
    super();
    this.ownId = ownId;
    this.#wire = wire;
    this.#infoHash = hash;
    this.send(encodeHandshake(wire, hash, ownId, limits));
  }

  protected override wire(first: number): WireName | undefined {
    return wireOf(first) === this.#wire ? this.#wire : undefined;
  }

  protected override named(_wire: WireName, hash: InfoHash): WireFault | undefined {
    if (sameBytes(hash, this.#infoHash)) return undefined;
    return { code: 'unknown-torrent', message: 'the answer names another torrent' };
  }
}

function goodbyeVersion(): Uint8Array {
  const encoder = new PixWireEncoder({
    shape: undefined,
    pool: new ControlPool(),
    limits: DEFAULT_LIMITS,
    peerMaxFrame: DEFAULT_LIMITS.maxFrame,
  });
  encoder.goodbye(GoodbyeReason.version, 'no common version');
  return Buffer.concat(encoder.drain()!.buffers);
}
