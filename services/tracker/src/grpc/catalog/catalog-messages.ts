import {
  type CatalogEntry,
  CatalogError,
  type CatalogQuery,
  type DraftInput,
  type Labels,
  labelFaults,
  nameFault,
  type RemovedVersion,
  type Replicas,
} from '@pixtorrent/catalog';
import type { catalog as wire } from '@pixtorrent/contracts';
import { unreachable } from '@pixtorrent/core';
import { type FieldViolation, InvalidArgument, StatusError } from '@pixtorrent/service-kit';
import { parsePageToken } from './page-token.ts';

/** Entries of a page. */
const USUAL_PAGE = 100;
const LARGEST_PAGE = 1000;
/** Milliseconds after which a store that is away is worth asking again. */
const STORE_PAUSE = 1000;
/** Entries, and what was removed, of one request. */
const MOST_RESTORED = 100;
const MOST_REMOVED = 1000;
/** So that versions stay below 2³² for as many publications again. */
const GREATEST_VERSION = 2 ** 31 - 1;
const VERSIONS = `1 to ${GREATEST_VERSION}`;
/** The last day that a date can have, in milliseconds since 1970. */
const LATEST = 8.64e15;
const NO_BYTES = Buffer.alloc(0);

/** A version that was lost, its torrent and labels as unchecked as they came. */
export interface LostInput extends Pick<CatalogEntry, 'version' | 'published'> {
  readonly input: DraftInput;
}

/** What is to be published, as unchecked as it came. */
export function draftInputOf({ name, torrent, replicas, labels }: wire.PublishRequest): DraftInput {
  return { name, torrent, replicas: wantedOf(replicas), labels };
}

/** @throws InvalidArgument */
export function afterVersionOf({ afterVersion }: wire.PublishRequest): number {
  if (afterVersion <= GREATEST_VERSION) return afterVersion;
  const description = `is ${afterVersion}, at most ${GREATEST_VERSION} is allowed`;
  throw new InvalidArgument([{ field: 'after_version', description }]);
}

/** A name, and a version where one is asked for. @throws InvalidArgument */
export function placeAskedFor({ name, version }: wire.GetRequest | wire.RemoveRequest): {
  readonly name: string;
  readonly version: number | undefined;
} {
  const reason = nameFault(name);
  if (reason !== undefined) throw new InvalidArgument([{ field: 'name', description: reason }]);
  return { name, version: version === 0 ? undefined : version };
}

/** @throws InvalidArgument with everything that is wrong */
export function queryOf({ pageSize, pageToken, labels, allVersions }: wire.ListRequest): CatalogQuery {
  const fields = violationsOf(labels);
  if (pageSize > LARGEST_PAGE)
    fields.push({ field: 'page_size', description: `is ${pageSize}, at most ${LARGEST_PAGE} are allowed` });
  const after = pageToken === '' ? undefined : parsePageToken(pageToken);
  if (pageToken !== '' && after === undefined)
    fields.push({ field: 'page_token', description: 'has to be the next_page_token of a page before' });
  if (fields.length > 0) throw new InvalidArgument(fields);
  return { labels, allVersions, limit: pageSize === 0 ? USUAL_PAGE : pageSize, ...(after && { after }) };
}

/** What a watcher wants. @throws InvalidArgument */
export function wishesOf({ labels, torrents, removals }: wire.WatchRequest): {
  readonly labels: Labels;
  readonly torrents: boolean;
  readonly removals: boolean;
} {
  const fields = violationsOf(labels);
  if (fields.length > 0) throw new InvalidArgument(fields);
  return { labels, torrents, removals };
}

export function entryMessage(entry: CatalogEntry, torrent?: Uint8Array): wire.Entry {
  const { name, version, infoHash, size, replicas, labels, published } = entry;
  return {
    name,
    version,
    infoHash: bufferOf(infoHash),
    size,
    replicas: {
      wanted: replicas === 'all' ? { $case: 'all', all: true } : { $case: 'count', count: replicas },
    },
    labels,
    publishedMs: published,
    torrent: torrent === undefined ? NO_BYTES : bufferOf(torrent),
  };
}

export function publishedEvent(entry: CatalogEntry, torrent?: Uint8Array): wire.WatchResponse {
  return { event: { $case: 'published', published: entryMessage(entry, torrent) } };
}

export function removedEvent(entry: CatalogEntry): wire.WatchResponse {
  return { event: { $case: 'removed', removed: placeMessage(entry, bufferOf(entry.infoHash)) } };
}

export function removalEvent(removal: RemovedVersion): wire.WatchResponse {
  return { event: { $case: 'removed', removed: placeMessage(removal) } };
}

export function lostEvent(entry: CatalogEntry): wire.WatchResponse {
  return { event: { $case: 'lost', lost: placeMessage(entry, bufferOf(entry.infoHash)) } };
}

export function placeMessage(
  { name, version, published }: RemovedVersion,
  infoHash: Buffer = NO_BYTES,
): wire.Removed {
  return { name, version, infoHash, publishedMs: published };
}

/**
 * What of a catalogue is to be restored; the entries are as unchecked as they came, but for their places.
 * @throws InvalidArgument with everything that is wrong
 */
export function restorationOf({ entries, removed }: wire.RestoreRequest): {
  readonly entries: readonly LostInput[];
  readonly removed: readonly RemovedVersion[];
} {
  const fields: FieldViolation[] = [];
  if (entries.length > MOST_RESTORED)
    fields.push({
      field: 'entries',
      description: `are ${entries.length}, at most ${MOST_RESTORED} are allowed`,
    });
  if (removed.length > MOST_REMOVED)
    fields.push({
      field: 'removed',
      description: `are ${removed.length}, at most ${MOST_REMOVED} are allowed`,
    });
  if (fields.length > 0) throw new InvalidArgument(fields);
  for (const [list, places] of Object.entries({ entries, removed }))
    for (const [i, place] of places.entries()) fields.push(...placeFaults(`${list}[${i}]`, place));
  if (fields.length > 0) throw new InvalidArgument(fields);
  return {
    entries: entries.map(({ name, torrent, replicas, labels, ...place }) => ({
      input: { name, torrent, replicas: wantedOf(replicas), labels },
      version: place.version,
      published: place.publishedMs,
    })),
    removed: removed.map(({ name, version, publishedMs }) => ({ name, version, published: publishedMs })),
  };
}

function placeFaults(
  path: string,
  { name, version, publishedMs }: { name: string; version: number; publishedMs: number },
): FieldViolation[] {
  const faults: FieldViolation[] = [];
  const reason = nameFault(name);
  if (reason !== undefined) faults.push({ field: `${path}.name`, description: reason });
  if (version < 1 || version > GREATEST_VERSION)
    faults.push({ field: `${path}.version`, description: `is ${version}, ${VERSIONS} are allowed` });
  if (publishedMs < 1 || publishedMs > LATEST)
    faults.push({ field: `${path}.published_ms`, description: 'has to be in milliseconds since 1970' });
  return faults;
}

export const SYNCED: wire.WatchResponse = { event: { $case: 'synced', synced: {} } };

/** How a call ends where the catalogue could not do what it asks. */
export function statusOf(error: unknown): StatusError | undefined {
  if (!(error instanceof CatalogError)) return undefined;
  switch (error.code) {
    case 'invalid':
      return new InvalidArgument(error.fields.map(({ field, reason }) => ({ field, description: reason })));
    case 'full':
      return new StatusError('RESOURCE_EXHAUSTED', error.message);
    case 'unavailable':
    case 'closed':
      return new StatusError('UNAVAILABLE', error.message, { retryAfter: STORE_PAUSE });
    default:
      return unreachable(error.code);
  }
}

/** All where nothing is said; `all: false` is no wish that could be met, like none at all. */
function wantedOf(replicas: wire.Replicas | undefined): Replicas {
  const wanted = replicas?.wanted;
  if (wanted === undefined) return 'all';
  if (wanted.$case === 'count') return wanted.count;
  return wanted.all ? 'all' : 0;
}

function violationsOf(labels: Labels): FieldViolation[] {
  return labelFaults(labels).map(({ field, reason }) => ({ field, description: reason }));
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
