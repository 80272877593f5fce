import {
  type CatalogEntry,
  CatalogError,
  type CatalogQuery,
  type DraftInput,
  type Labels,
  labelFaults,
  nameFault,
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
const NO_BYTES = Buffer.alloc(0);

/** What is to be published, as unchecked as it came. */
export function draftInputOf({ name, torrent, replicas, labels }: wire.PublishRequest): DraftInput {
  return { name, torrent, replicas: wantedOf(replicas), labels };
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
export function wishesOf({ labels, torrents }: wire.WatchRequest): {
  readonly labels: Labels;
  readonly torrents: boolean;
} {
  const fields = violationsOf(labels);
  if (fields.length > 0) throw new InvalidArgument(fields);
  return { labels, torrents };
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

export function removedEvent({ name, version, infoHash }: CatalogEntry): wire.WatchResponse {
  return { event: { $case: 'removed', removed: { name, version, infoHash: bufferOf(infoHash) } } };
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
