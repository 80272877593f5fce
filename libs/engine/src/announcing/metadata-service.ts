import {
  decodeMetadataMessage,
  encodeMetadataMessage,
  METADATA_PIECE_LENGTH,
} from '@pixtorrent/peer-protocol';
import type { Peer } from '../peer.ts';

/** The id under which others send us ut_metadata messages. */
export const METADATA_ID = 1;

/** Gives the info dictionary to peers that came by a magnet link (BEP 9). */
export class MetadataService {
  readonly #metadata: Uint8Array | undefined;

  constructor(metadata: Uint8Array | undefined) {
    this.#metadata = metadata;
  }

  /** Bytes of the info dictionary, where it is served. */
  get size(): number | undefined {
    return this.#metadata?.length;
  }

  received(peer: Peer, payload: Uint8Array): void {
    const message = decodeMetadataMessage(payload);
    if (message?.type !== 'request' || peer.metadataId === 0) return;
    const start = message.piece * METADATA_PIECE_LENGTH;
    const answer =
      this.#metadata && start < this.#metadata.length
        ? encodeMetadataMessage({
            type: 'data',
            piece: message.piece,
            totalSize: this.#metadata.length,
            data: this.#metadata.subarray(start, start + METADATA_PIECE_LENGTH),
          })
        : encodeMetadataMessage({ type: 'reject', piece: message.piece });
    peer.link.extended(peer.metadataId, answer);
  }
}
