import { BencodeError, type BencodeValue, Dictionary, decode } from '@pixtorrent/bencode';
import { printable } from '@pixtorrent/core';
import { MetainfoError } from './errors.ts';
import { readInfo } from './info.ts';
import type { Metainfo } from './metainfo.ts';
import { type Limits, type MetainfoOptions, withDefaults } from './options.ts';
import { readTrackers, readWebSeeds, validTiers, validWebSeeds } from './urls.ts';

const MAX_COMMENT = 1000;
/** Room for 1,000,000 files. */
const MAX_ITEMS = 8_000_000;
/** A version 2 file tree nests once a folder (BEP 52). */
const MAX_DEPTH = 128;

/** Keys beside `info` that are read, and written by `encodeTorrent`. */
const KNOWN_KEYS: ReadonlySet<string> = new Set([
  'announce',
  'announce-list',
  'comment',
  'created by',
  'creation date',
  'info',
  'url-list',
]);

/**
 * Reads a torrent file: BEP 3, 12, 19, 27, 47, and the version 1 half of a hybrid (BEP 52), whose version 2 half is
 * neither used nor compared.
 *
 * Whatever decides what is transferred and where it is stored is checked and refused with the place and the reason:
 * everything in `info`. What stands beside it only helps to find peers or to describe: a malformed tracker URL,
 * comment or date is left out. Content without a byte is refused: there would be nothing to verify. Symbolic links
 * are refused. For names and paths see `file-name.ts`.
 *
 * The bytes are copied once; everything in the result that is bytes is a view of that copy.
 * @throws MetainfoError
 */
export function parseMetainfo(bytes: Uint8Array, options: MetainfoOptions = {}): Metainfo {
  const limits = withDefaults(options);
  const { owned, value } = decodeOwned(bytes, limits);
  if (!(value instanceof Dictionary)) throw new MetainfoError('wrong-type', 'torrent', 'is not a dictionary');
  const info = value.get('info');
  if (info === undefined) throw new MetainfoError('missing', 'info', 'is missing');
  if (!(info instanceof Dictionary)) throw new MetainfoError('wrong-type', 'info', 'has to be a dictionary');

  const comment = value.text('comment');
  const createdBy = value.text('created by');
  const creationDate = value.integer('creation date');
  const extra = new Map([...value].filter(([key]) => !KNOWN_KEYS.has(key)));
  return {
    ...readInfo(info, owned.subarray(info.start, info.end), limits),
    trackers: readTrackers(value),
    webSeeds: readWebSeeds(value),
    ...(comment !== undefined && { comment: printable(comment, MAX_COMMENT) }),
    ...(createdBy !== undefined && { createdBy: printable(createdBy) }),
    ...(creationDate !== undefined && creationDate >= 0 && { creationDate }),
    ...(extra.size > 0 && { extra }),
  };
}

/**
 * The same for an info dictionary that came from peers (BEP 9), under the same checks. Whether it is the one that
 * was asked for is for the caller to see: compare `infoHash`.
 * @param known trackers and web seeds of the magnet link; invalid ones are left out
 * @throws MetainfoError
 */
export function metainfoFromInfoBytes(
  infoBytes: Uint8Array,
  known: {
    readonly trackers?: readonly (readonly string[])[];
    readonly webSeeds?: readonly string[];
  } = {},
  options: MetainfoOptions = {},
): Metainfo {
  const limits = withDefaults(options);
  const { owned, value } = decodeOwned(infoBytes, limits);
  if (!(value instanceof Dictionary)) throw new MetainfoError('wrong-type', 'info', 'has to be a dictionary');
  return {
    ...readInfo(value, owned, limits),
    trackers: validTiers(known.trackers ?? []),
    webSeeds: validWebSeeds(known.webSeeds ?? []),
  };
}

function decodeOwned(bytes: Uint8Array, limits: Limits): { owned: Uint8Array; value: BencodeValue } {
  if (bytes.length > limits.maxBytes) {
    throw new MetainfoError(
      'too-large',
      'torrent',
      `${bytes.length} bytes, at most ${limits.maxBytes} are allowed`,
    );
  }
  const owned = Uint8Array.from(bytes);
  try {
    const value = decode(owned, {
      maxBytes: limits.maxBytes,
      maxItems: MAX_ITEMS,
      maxDepth: MAX_DEPTH,
      unsortedKeys: limits.unsortedKeys,
    });
    return { owned, value };
  } catch (error) {
    if (!(error instanceof BencodeError)) throw error;
    const code = error.code === 'too-many-items' || error.code === 'too-deep' ? 'too-large' : 'not-bencode';
    throw new MetainfoError(code, `byte ${error.offset}`, error.reason, { cause: error });
  }
}
