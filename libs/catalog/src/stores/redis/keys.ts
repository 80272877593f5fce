/** One hash tag: in a Redis Cluster the whole catalogue is on one node, so that a script can change it at once. */
const PREFIX = '{pix:catalog}:';

export const KEYS = {
  /** Sorted set of names, all of one score, so that it is in the order of bytes. */
  names: `${PREFIX}names`,
  /** The same of the order keys of all versions. */
  order: `${PREFIX}order`,
  /** Hash from order key to entry. */
  entries: `${PREFIX}entries`,
  /** Hash from name to newest version, ten digits. */
  newest: `${PREFIX}newest`,
  /** Hash from name to the last version number that it was given. */
  numbers: `${PREFIX}numbers`,
  /** Sorted set of names without a version, by when they went. */
  retired: `${PREFIX}retired`,
  /** Hash from order key of a version that was removed to when it had been published. */
  removed: `${PREFIX}removed`,
  /** Sorted set of these order keys, by their ranks. */
  removals: `${PREFIX}removals`,
  /** Hash: `bytes` of all torrents; `floor`, above which the numbers of new names begin; `rank` of the last removal. */
  totals: `${PREFIX}totals`,
  /** The number of the last change. */
  changes: `${PREFIX}changes`,
} as const;

/** The torrent file of a version is a key of its own: listing never reads it. */
export const TORRENT_PREFIX = `${PREFIX}torrent:`;

/** Where changes are told. Channels know no databases, so the channel is named by its own. */
export function feedChannel(database: number): string {
  return `${PREFIX}feed:${database}`;
}
