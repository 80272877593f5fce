import { BLOCK_LENGTH } from './shape.ts';

/** What one side takes from the other. PixWire says it in the handshake and in Interested; BEP 3 has `reqq`. */
export interface WireLimits {
  /** The longest payload of a PixWire frame, bytes: at least 65,536. @default 4 MiB and 8 bytes */
  readonly maxFrame: number;
  /** Bytes of requests that are queued for one peer. @default 32 MiB */
  readonly requestWindow: number;
  /** The longest single request, bytes. @default 4 MiB */
  readonly maxRequest: number;
}

export const DEFAULT_LIMITS: WireLimits = {
  maxFrame: 4_194_304 + 8,
  requestWindow: 33_554_432,
  maxRequest: 4_194_304,
};

/** No side may ask for smaller PixWire frames: a whole bit field and a block must find room. */
export const MIN_FRAME = 65_536;

/** What a BEP 3 peer may ask for at once. Clients ask for 16 KiB; 128 KiB is what old ones were known to try. */
export const BEP3_MAX_REQUEST = 131_072;

/** Requests that a BEP 3 peer queues for us, unless its extension handshake says otherwise (BEP 10 `reqq`). */
export const BEP3_REQUEST_QUEUE = 250;

/** Bytes of one extension message: `ut_metadata` needs the most, 16 KiB and a dictionary (BEP 9). */
export const MAX_EXTENDED = 65_536;

/** Terms from a peer, put between one block and what a connection ever keeps outstanding (64 MiB). */
export function boundedTerm(bytes: number): number {
  return Math.min(Math.max(bytes, BLOCK_LENGTH), 67_108_864);
}
