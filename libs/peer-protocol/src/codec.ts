import { Bep3Decoder } from './bep3-decoder.ts';
import { Bep3Encoder } from './bep3-encoder.ts';
import type { ReceiveScratch, WireDecoder } from './decoder.ts';
import type { WireEncoder } from './encoder.ts';
import type { ParsedHandshake } from './handshake.ts';
import { DEFAULT_LIMITS, type WireLimits } from './limits.ts';
import type { ControlPool } from './outbox.ts';
import { PixWireDecoder } from './pixwire-decoder.ts';
import { PixWireEncoder } from './pixwire-encoder.ts';
import type { TorrentShape, WireReceiver } from './wire.ts';

export interface CodecOptions {
  /** What the other side said. */
  readonly handshake: ParsedHandshake;
  /** Undefined while the torrent's metadata is not known (BEP 9). */
  readonly shape: TorrentShape | undefined;
  readonly receiver: WireReceiver;
  readonly scratch: ReceiveScratch;
  readonly pool: ControlPool;
  /** What we said that we take. @default DEFAULT_LIMITS */
  readonly limits?: WireLimits;
}

/** Both halves of a connection after its handshake. */
export interface WireCodec {
  readonly decoder: WireDecoder;
  readonly encoder: WireEncoder;
}

/** The codec of the wire that the handshake chose. A Ping is answered through the encoder. */
export function createCodec(options: CodecOptions): WireCodec {
  const { handshake, limits = DEFAULT_LIMITS } = options;
  if (handshake.wire === 'bep3')
    return { decoder: new Bep3Decoder(options), encoder: new Bep3Encoder({ ...options, ...handshake }) };
  const encoder = new PixWireEncoder({ ...options, limits, peerMaxFrame: handshake.maxFrame });
  const pong = (bytes: Uint8Array, at: number): void => encoder.pong(bytes, at);
  return { decoder: new PixWireDecoder({ ...options, ...limits, pong }), encoder };
}
