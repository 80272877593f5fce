import { PixError } from '@pixtorrent/core';

/**
 * - `full`: no room for one more peer or torrent
 * - `store-unavailable`: the peers are kept elsewhere, and that cannot be reached
 */
export type PeerStoreErrorCode = 'full' | 'store-unavailable';

/** Why a store could not do what an announce asks. The message is meant for the asker. */
export class PeerStoreError extends PixError<PeerStoreErrorCode> {}
