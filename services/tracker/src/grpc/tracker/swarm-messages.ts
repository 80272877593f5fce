import type { tracker as wire } from '@pixtorrent/contracts';
import type { InfoHash } from '@pixtorrent/core';
import { type FieldViolation, InvalidArgument } from '@pixtorrent/service-kit';
import type { SwarmFigures, SwarmTotals } from '@pixtorrent/tracker';
import type { ScrapeEntry } from '@pixtorrent/tracker-protocol';
import { infoHashOf } from './announce-messages.ts';
import { parseSwarmToken } from './swarm-token.ts';

/** Swarms that a request may name. */
const MAX_NAMED = 1000;
const USUAL_PAGE = 100;
const LARGEST_PAGE = 1000;
/** Milliseconds between two looks at what is watched. */
const SHORTEST_INTERVAL = 100;
const LONGEST_INTERVAL = 3_600_000;
const USUAL_INTERVAL = 1000;

/** @throws InvalidArgument with everything that is wrong */
export function hashesAskedFor({ infoHashes }: wire.ScrapeRequest): InfoHash[] {
  const [hashes, fields] = hashesOf(infoHashes);
  if (fields.length > 0) throw new InvalidArgument(fields);
  return hashes;
}

/** @throws InvalidArgument with everything that is wrong */
export function pageAskedFor({ pageSize, pageToken }: wire.ListSwarmsRequest): {
  readonly limit: number;
  readonly after: InfoHash | undefined;
} {
  const fields: FieldViolation[] = [];
  if (pageSize > LARGEST_PAGE)
    fields.push({ field: 'page_size', description: `is ${pageSize}, at most ${LARGEST_PAGE} are allowed` });
  const after = pageToken === '' ? undefined : parseSwarmToken(pageToken);
  if (pageToken !== '' && after === undefined)
    fields.push({ field: 'page_token', description: 'has to be the next_page_token of a page before' });
  if (fields.length > 0) throw new InvalidArgument(fields);
  return { limit: pageSize === 0 ? USUAL_PAGE : pageSize, after };
}

/** What is to be watched: those swarms, or all where there are none. @throws InvalidArgument with everything that is wrong */
export function watchAskedFor({ infoHashes, intervalMs }: wire.WatchSwarmsRequest): {
  readonly hashes: readonly InfoHash[];
  readonly interval: number;
} {
  const [hashes, fields] = hashesOf(infoHashes);
  if (intervalMs !== 0 && (intervalMs < SHORTEST_INTERVAL || intervalMs > LONGEST_INTERVAL))
    fields.push({
      field: 'interval_ms',
      description: `is ${intervalMs}, ${SHORTEST_INTERVAL} to ${LONGEST_INTERVAL} are allowed`,
    });
  if (fields.length > 0) throw new InvalidArgument(fields);
  return { hashes, interval: intervalMs === 0 ? USUAL_INTERVAL : intervalMs };
}

export function countsMessage(hash: InfoHash, entry: ScrapeEntry | undefined): wire.SwarmCounts {
  const { seeders = 0, leechers = 0, completed = 0 } = entry ?? {};
  return { infoHash: bufferOf(hash), seeders, leechers, completed };
}

export function statisticsMessage(figures: SwarmFigures): wire.SwarmStatistics {
  return {
    infoHash: bufferOf(figures.infoHash),
    seeders: figures.seeders,
    leechers: figures.leechers,
    completed: figures.completed,
    leftDistribution: [...figures.leftDistribution],
    announceRate: figures.announceRate,
    firstSeenMs: Math.round(figures.firstSeen),
    lastSeenMs: Math.round(figures.lastSeen),
  };
}

export function totalsMessage({ swarms, seeders, leechers, completed }: SwarmTotals): wire.SwarmTotals {
  return { swarms, seeders, leechers, completed };
}

export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function hashesOf(given: readonly Uint8Array[]): [InfoHash[], FieldViolation[]] {
  if (given.length > MAX_NAMED) {
    const description = `has ${given.length}, at most ${MAX_NAMED} are allowed`;
    return [[], [{ field: 'info_hashes', description }]];
  }
  const [hashes, fields]: [InfoHash[], FieldViolation[]] = [[], []];
  given.forEach((bytes, n) => {
    const hash = infoHashOf(bytes);
    if (hash !== undefined) hashes.push(hash);
    else fields.push({ field: `info_hashes[${n}]`, description: `has ${bytes.length} bytes, 20 are needed` });
  });
  return [hashes, fields];
}
