import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type CachedCatalog,
  type CatalogDraft,
  type CatalogEntry,
  CatalogError,
  type CatalogQuery,
  type CatalogStore,
  type DraftInput,
  type EntryPlace,
} from '@pixtorrent/catalog';
import type { catalog as wire } from '@pixtorrent/contracts';
import { StatusError } from '@pixtorrent/service-kit';
import {
  afterVersionOf,
  draftInputOf,
  entryMessage,
  placeAskedFor,
  placeMessage,
  queryOf,
  restorationOf,
} from './catalog-messages.ts';
import type { DraftReader } from './draft-reader.ts';
import { formatPageToken } from './page-token.ts';

/** Entries that are asked of the store at a time: with the longest labels some 2 MB. */
const STEP = 100;
/** Characters of names and labels, about: a page stays well below the 4 MiB that a client takes by default. */
const MAX_PAGE_LENGTH = 2 ** 20;

export async function publish(
  store: CatalogStore,
  drafts: DraftReader,
  request: wire.PublishRequest,
): Promise<wire.PublishResponse> {
  const afterVersion = afterVersionOf(request);
  const draft = await drafts.read(draftInputOf(request));
  return { entry: entryMessage(await store.publish(draft, afterVersion)) };
}

/** First what was removed, so that nothing of it comes back in between. */
export async function restore(
  store: CatalogStore,
  drafts: DraftReader,
  request: wire.RestoreRequest,
): Promise<wire.RestoreResponse> {
  const { entries, removed } = restorationOf(request);
  for (const removal of removed) await store.restoreRemoval(removal);
  const refused: wire.Removed[] = [];
  for (const [i, { input, version, published }] of entries.entries()) {
    // Others have their turn: a torrent may be read in this thread, and a store answer without a wait.
    await nextTurn();
    const draft = await draftAt(`entries[${i}]`, drafts, input);
    const lost = { ...draft, version, published };
    if (!(await store.restore(lost))) refused.push(placeMessage(lost));
  }
  return { refused };
}

/** @throws CatalogError that names the fields of the whole request */
async function draftAt(path: string, drafts: DraftReader, input: DraftInput): Promise<CatalogDraft> {
  try {
    return await drafts.read(input);
  } catch (error) {
    if (!(error instanceof CatalogError) || error.code !== 'invalid') throw error;
    const fields = error.fields.map(({ field, reason }) => ({ field: `${path}.${field}`, reason }));
    throw new CatalogError('invalid', error.message, fields);
  }
}

export async function get(store: CatalogStore, request: wire.GetRequest): Promise<wire.GetResponse> {
  const { name, version } = placeAskedFor(request);
  const found = await store.get(name, version);
  if (found === undefined) throw notThere(name, version);
  return { entry: entryMessage(found.entry, found.torrent) };
}

export async function remove(store: CatalogStore, request: wire.RemoveRequest): Promise<wire.RemoveResponse> {
  const { name, version } = placeAskedFor(request);
  const gone = await store.remove(name, version);
  if (gone.length === 0) throw notThere(name, version);
  return { removed: gone.length };
}

/**
 * A page may have less than was asked for although there is more: the token tells.
 * @param copy answers, where it has been read, as long as the store does not
 */
export async function list(
  store: CatalogStore,
  copy: Pick<CachedCatalog, 'list' | 'ready'>,
  request: wire.ListRequest,
): Promise<wire.ListResponse> {
  const query = queryOf(request);
  try {
    return await pageOf(store, query);
  } catch (error) {
    if (!(error instanceof CatalogError) || error.code !== 'unavailable' || !copy.ready) throw error;
    return { ...(await pageOf(copy, query)), stale: true };
  }
}

async function pageOf(
  source: { list(query: CatalogQuery): CatalogEntry[] | Promise<CatalogEntry[]> },
  query: CatalogQuery,
): Promise<wire.ListResponse> {
  const entries: wire.Entry[] = [];
  let length = 0;
  let after: EntryPlace | undefined = query.after;
  for (;;) {
    // One more than has room, to know whether there is more.
    const most = Math.min(STEP, query.limit - entries.length + 1);
    const step = await source.list({ ...query, limit: most, ...(after && { after }) });
    for (const entry of step) {
      if (entries.length === query.limit || length > MAX_PAGE_LENGTH)
        return { entries, nextPageToken: formatPageToken(after!), stale: false };
      entries.push(entryMessage(entry));
      length += lengthOf(entry);
      after = entry;
    }
    if (step.length < most) return { entries, nextPageToken: '', stale: false };
  }
}

function lengthOf({ name, labels }: CatalogEntry): number {
  let length = name.length;
  for (const [key, value] of Object.entries(labels)) length += key.length + value.length;
  return length;
}

function notThere(name: string, version: number | undefined): StatusError {
  const what = version === undefined ? name : `version ${version} of ${name}`;
  return new StatusError('NOT_FOUND', `${what} is not in the catalogue`);
}
