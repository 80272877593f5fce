export { Bep3Decoder } from './bep3-decoder.ts';
export type { Bep3EncoderOptions } from './bep3-encoder.ts';
export { Bep3Encoder } from './bep3-encoder.ts';
export type { CodecOptions, WireCodec } from './codec.ts';
export { createCodec } from './codec.ts';
export type { DecoderOptions } from './decoder.ts';
export { ReceiveScratch, WireDecoder } from './decoder.ts';
export type { EncoderOptions } from './encoder.ts';
export { WireEncoder } from './encoder.ts';
export { encodeExtensionHandshake, parseExtensionHandshake } from './extension-handshake.ts';
export type { ParsedHandshake } from './handshake.ts';
export { encodeHandshake, HANDSHAKE_LENGTH, parseHandshake, wireOf } from './handshake.ts';
export type { KnownTorrent } from './handshake-exchange.ts';
export { HandshakeExchange, InboundHandshake, OutboundHandshake } from './handshake-exchange.ts';
export type { WireLimits } from './limits.ts';
export { DEFAULT_LIMITS } from './limits.ts';
export type { Lease } from './outbox.ts';
export { ControlPool, OutputBatch } from './outbox.ts';
export type { PixWireDecoderOptions } from './pixwire-decoder.ts';
export { PixWireDecoder } from './pixwire-decoder.ts';
export type { PixWireEncoderOptions } from './pixwire-encoder.ts';
export { PixWireEncoder } from './pixwire-encoder.ts';
export { BLOCK_LENGTH, bitfieldLength, pieceSize, rangeFits } from './shape.ts';
export type { MetadataMessage } from './ut-metadata.ts';
export {
  decodeMetadataMessage,
  encodeMetadataMessage,
  MAX_METADATA,
  METADATA_PIECE_LENGTH,
} from './ut-metadata.ts';
export * from './wire.ts';
