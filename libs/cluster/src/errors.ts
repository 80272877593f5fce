import { PixError } from '@pixtorrent/core';

/**
 * - `full`: no room for one more node, or for what it has
 * - `replaced`: somebody else has registered the name since
 * - `unavailable`: the nodes are kept elsewhere, and that does not answer
 * - `closed`: the store was closed
 */
export type ClusterErrorCode = 'full' | 'replaced' | 'unavailable' | 'closed';

/** Why a store of nodes could not do what was asked. The message is meant for the asker. */
export class ClusterError extends PixError<ClusterErrorCode> {}
