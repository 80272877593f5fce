/** One hash tag: in a Redis Cluster all nodes are in one place, so that a script can change them at once. */
const PREFIX = '{pix:cluster}:';

export const KEYS = {
  /** Hash from name to node. */
  nodes: `${PREFIX}nodes`,
  /** Hash from name to who speaks for the node. */
  holders: `${PREFIX}holders`,
  /** Sorted set of names by when their time runs out, in milliseconds since 1970. */
  expiry: `${PREFIX}expiry`,
  /**
   * Hash: `holdings` of all nodes; `changes`, the number of the last change; `seen`, when anybody was here last, in
   * milliseconds since 1970.
   */
  totals: `${PREFIX}totals`,
} as const;

/** Where changes are told. Channels know no databases, so the channel is named by its own. */
export function feedChannel(database: number): string {
  return `${PREFIX}feed:${database}`;
}
