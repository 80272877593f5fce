import { hash } from 'node:crypto';
import type { PeerId } from '@pixtorrent/core';

/**
 * Of two connections between the same two peers the one is kept whose initiator has the smaller SHA-1 of its peer
 * ID, compared as bytes: both ends decide the same without asking (docs/protocol/pixwire.md).
 * @returns whether the connection that `ours` opened is the one to keep
 */
export function keepsOwnDial(ours: PeerId, theirs: PeerId): boolean {
  return Buffer.compare(hash('sha1', ours, 'buffer'), hash('sha1', theirs, 'buffer')) < 0;
}
