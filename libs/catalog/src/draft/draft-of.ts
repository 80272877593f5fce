import { type Metainfo, MetainfoError, parseMetainfo } from '@pixtorrent/metainfo';
import type { CatalogDraft, Labels, Replicas } from '../catalog-store.ts';
import { type FieldFault, invalid } from '../errors.ts';
import { labelFaults } from './labels.ts';
import { nameFault } from './name.ts';

/** Bytes of a torrent file. */
export const MAX_TORRENT_LENGTH = 16 * 2 ** 20;
const MAX_REPLICAS = 2 ** 32 - 1;

/** What somebody wants to publish, unchecked. */
export interface DraftInput {
  readonly name: string;
  readonly torrent: Uint8Array;
  /** @default 'all' */
  readonly replicas?: Replicas;
  /** @default none */
  readonly labels?: Labels;
}

/**
 * Checks everything, and takes info hash, size and privacy from the torrent, whose bytes are not copied. Nodes run on
 * Linux: names in the torrent have to be safe there.
 * @throws CatalogError `invalid` with every field that is wrong
 */
export function draftOf({ name, torrent, replicas = 'all', labels = {} }: DraftInput): CatalogDraft {
  const faults: FieldFault[] = [];
  const check = (field: string, reason: string | undefined): void => {
    if (reason !== undefined) faults.push({ field, reason });
  };
  check('name', nameFault(name));
  const parsed = parse(torrent);
  if (typeof parsed === 'string') check('torrent', parsed);
  check('replicas', replicasFault(replicas));
  faults.push(...labelFaults(labels));
  if (faults.length > 0 || typeof parsed === 'string') throw invalid(faults);
  const { infoHash, length, private: isPrivate } = parsed;
  return { name, infoHash, size: length, private: isPrivate, replicas, labels: { ...labels }, torrent };
}

/** @returns what is wrong, where it is text */
function parse(torrent: Uint8Array): Metainfo | string {
  if (torrent.length === 0) return 'is missing';
  if (torrent.length > MAX_TORRENT_LENGTH)
    return `has ${torrent.length} bytes, at most ${MAX_TORRENT_LENGTH} are allowed`;
  try {
    return parseMetainfo(torrent, { maxBytes: MAX_TORRENT_LENGTH, fileSystem: 'posix' });
  } catch (error) {
    if (error instanceof MetainfoError) return `is no torrent that can be shared: ${error.message}`;
    throw error;
  }
}

function replicasFault(replicas: Replicas): string | undefined {
  if (replicas === 'all') return undefined;
  if (Number.isInteger(replicas) && replicas >= 1 && replicas <= MAX_REPLICAS) return undefined;
  return `has to be all, or a whole number from 1 to ${MAX_REPLICAS}`;
}
