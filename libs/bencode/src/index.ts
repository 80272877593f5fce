export type { DecodeOptions } from './decode.ts';
export { decode, decodePrefix } from './decode.ts';
export type { Encodable } from './encode.ts';
export { Encoded, encode } from './encode.ts';
export type { BencodeErrorCode } from './errors.ts';
export { BencodeError } from './errors.ts';
export type { BencodeValue } from './value.ts';
export { Dictionary } from './value.ts';
