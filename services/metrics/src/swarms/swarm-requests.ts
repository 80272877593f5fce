import type { metrics as wire } from '@pixtorrent/contracts';
import { ID_LENGTH, toHex } from '@pixtorrent/core';
import { type FieldViolation, InvalidArgument } from '@pixtorrent/service-kit';

const MAX_NAMED = 100;
const USUAL_PAGE = 100;
const LARGEST_PAGE = 1000;
/** Milliseconds between two looks at what is watched. */
const SHORTEST_INTERVAL = 500;
const LONGEST_INTERVAL = 3_600_000;
const USUAL_INTERVAL = 2000;

export interface WatchAsked {
  /** Hexadecimal info hashes; empty for all. */
  readonly keys: readonly string[];
  readonly nodes: boolean;
  /** Milliseconds. */
  readonly interval: number;
}

/** @throws InvalidArgument with everything that is wrong */
export function watchAskedFor({ infoHashes, nodes, intervalMs }: wire.WatchSwarmsRequest): WatchAsked {
  const fields: FieldViolation[] = [];
  if (infoHashes.length > MAX_NAMED)
    fields.push({
      field: 'info_hashes',
      description: `has ${infoHashes.length}, at most ${MAX_NAMED} are allowed`,
    });
  else
    infoHashes.forEach((hash, n) => {
      if (hash.length !== ID_LENGTH)
        fields.push({ field: `info_hashes[${n}]`, description: `has ${hash.length} bytes, 20 are needed` });
    });
  if (nodes && infoHashes.length === 0)
    fields.push({ field: 'nodes', description: 'is only told of swarms that are named in info_hashes' });
  if (intervalMs !== 0 && (intervalMs < SHORTEST_INTERVAL || intervalMs > LONGEST_INTERVAL)) {
    const description = `is ${intervalMs}, ${SHORTEST_INTERVAL} to ${LONGEST_INTERVAL} are allowed`;
    fields.push({ field: 'interval_ms', description });
  }
  if (fields.length > 0) throw new InvalidArgument(fields);
  return { keys: infoHashes.map(toHex), nodes, interval: intervalMs === 0 ? USUAL_INTERVAL : intervalMs };
}

/** @throws InvalidArgument with everything that is wrong */
export function pageAskedFor({ pageSize, pageToken }: wire.ListSwarmsRequest): {
  readonly limit: number;
  /** Hexadecimal info hash of the last one before; empty for none. */
  readonly after: string;
} {
  const fields: FieldViolation[] = [];
  if (pageSize > LARGEST_PAGE)
    fields.push({ field: 'page_size', description: `is ${pageSize}, at most ${LARGEST_PAGE} are allowed` });
  if (!/^(?:[0-9a-f]{40})?$/.test(pageToken))
    fields.push({ field: 'page_token', description: 'has to be the next_page_token of a page before' });
  if (fields.length > 0) throw new InvalidArgument(fields);
  return { limit: pageSize === 0 ? USUAL_PAGE : pageSize, after: pageToken };
}
