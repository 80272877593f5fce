import type { ControlPool, Lease, OutputBatch } from './outbox.ts';
import { Outbox } from './outbox.ts';
import type { ExtensionHandshake, GoodbyeReason, TorrentShape, WireMessages } from './wire.ts';

export interface EncoderOptions {
  /** Undefined while the torrent's metadata is not known (BEP 9). */
  readonly shape: TorrentShape | undefined;
  readonly pool: ControlPool;
}

/** The sending half of a connection after its handshake, common to both wires. Calls only queue; `drain` takes. */
export abstract class WireEncoder implements WireMessages {
  /** Bytes drained so far, all told. */
  bytesOut = 0;
  /** Bytes of blocks among them. */
  payloadOut = 0;
  protected readonly shape: TorrentShape | undefined;
  protected readonly outbox: Outbox;

  constructor(options: EncoderOptions) {
    this.shape = options.shape;
    this.outbox = new Outbox(options.pool);
  }

  /** Bytes that wait for `drain`. */
  get pending(): number {
    return this.outbox.bytes;
  }

  /** Bytes of blocks that wait for `drain`. */
  get pendingPayload(): number {
    return this.outbox.payload;
  }

  /** What is queued, in order; undefined where nothing is. The caller releases it after the write. */
  drain(): OutputBatch | undefined {
    const batch = this.outbox.drain();
    if (batch !== undefined) {
      this.bytesOut += batch.bytes;
      this.payloadOut += batch.payload;
    }
    return batch;
  }

  /**
   * Answers a request. The payload is not copied: it must not change until the lease is released, which happens
   * once for each call.
   */
  abstract block(piece: number, offset: number, payload: Uint8Array, lease: Lease): void;
  /** Asks for a sign of life (PixWire), or gives one (BEP 3). */
  abstract ping(): void;

  abstract choke(): void;
  abstract unchoke(): void;
  abstract interested(): void;
  abstract notInterested(): void;
  abstract have(piece: number): void;
  abstract bitfield(bits: Uint8Array): void;
  abstract haveAll(): void;
  abstract haveNone(): void;
  abstract request(piece: number, offset: number, length: number): void;
  abstract cancel(piece: number, offset: number, length: number): void;
  abstract reject(piece: number, offset: number, length: number): void;
  abstract extensionHandshake(handshake: ExtensionHandshake): void;
  abstract extended(id: number, payload: Uint8Array): void;
  abstract goodbye(reason: GoodbyeReason, text: string): void;
}

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

export function putRange(bytes: Uint8Array, at: number, piece: number, offset: number, length: number): void {
  putU32(bytes, at, piece);
  putU32(bytes, at + 4, offset);
  putU32(bytes, at + 8, length);
}
