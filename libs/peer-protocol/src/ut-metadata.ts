import { BencodeError, Dictionary, decodePrefix, encode } from '@pixtorrent/bencode';

/** Bytes of each part of the metadata but the last (BEP 9). */
export const METADATA_PIECE_LENGTH = 16_384;
/** The most bytes of metadata that a peer may claim. */
export const MAX_METADATA = 33_554_432;

/** A message of `ut_metadata`, the payload of an extension message (BEP 9). */
export type MetadataMessage =
  | { readonly type: 'request'; readonly piece: number }
  /** `data`: 16 KiB, less for the last part; `totalSize`: bytes of the whole metadata. */
  | { readonly type: 'data'; readonly piece: number; readonly totalSize: number; readonly data: Uint8Array }
  | { readonly type: 'reject'; readonly piece: number };

const TYPES = ['request', 'data', 'reject'] as const;

export function encodeMetadataMessage(message: MetadataMessage): Uint8Array {
  const head = { msg_type: TYPES.indexOf(message.type), piece: message.piece };
  if (message.type !== 'data') return encode(head);
  return Buffer.concat([encode({ ...head, total_size: message.totalSize }), message.data]);
}

/**
 * Reads a message of `ut_metadata`.
 * @returns `data` as a view of `bytes`; undefined for a malformed message, and for one of a type that BEP 9 wants ignored
 */
export function decodeMetadataMessage(bytes: Uint8Array): MetadataMessage | undefined {
  let head: ReturnType<typeof decodePrefix>;
  try {
    head = decodePrefix(bytes, { unsortedKeys: 'accept' });
  } catch (error) {
    if (error instanceof BencodeError) return undefined;
    throw error;
  }
  const { value, end } = head;
  if (!(value instanceof Dictionary)) return undefined;
  const type = TYPES[value.integer('msg_type') ?? -1];
  const piece = value.integer('piece');
  if (
    type === undefined ||
    piece === undefined ||
    piece < 0 ||
    piece >= MAX_METADATA / METADATA_PIECE_LENGTH
  ) {
    return undefined;
  }
  if (type !== 'data') return { type, piece };
  const totalSize = value.integer('total_size');
  if (totalSize === undefined || totalSize < 1 || totalSize > MAX_METADATA) return undefined;
  const data = bytes.subarray(end);
  const wanted = Math.min(METADATA_PIECE_LENGTH, totalSize - piece * METADATA_PIECE_LENGTH);
  return data.length === wanted ? { type, piece, totalSize, data } : undefined;
}
