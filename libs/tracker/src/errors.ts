import { PixError } from '@pixtorrent/core';

/**
 * - `full`: no room for one more peer or torrent
 * - `store-unavailable`: the peers are kept elsewhere, and that cannot be reached
 */
export type PeerStoreErrorCode = 'full' | 'store-unavailable';

/**
 * - `not-served`: this tracker does not serve that torrent
 * - `wrong-key`: it wants an announce key, and this is none
 * - `too-often`: this asker has asked too often; `retryAfter` says when to come back
 */
export type RefusedErrorCode = 'not-served' | 'wrong-key' | 'too-often';

/** Why a tracker does not answer what it understood. The message is meant for the asker. */
export class RefusedError extends PixError<RefusedErrorCode> {
  /** Seconds to wait; 0 where it does not help. */
  readonly retryAfter: number;

  constructor(code: RefusedErrorCode, message: string, retryAfter = 0) {
    super(code, message);
    this.retryAfter = retryAfter;
  }
}

/** Why a store could not do what an announce asks. The message is meant for the asker. */
export class PeerStoreError extends PixError<PeerStoreErrorCode> {}
