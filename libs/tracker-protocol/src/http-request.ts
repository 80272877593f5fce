import type { InfoHash } from '@pixtorrent/core';
import type { AnnounceRequest } from './announce.ts';
import { percentEncode } from './percent.ts';

/**
 * The URL that announces `request` to an HTTP tracker (BEP 3, 7, 23). A query that the tracker's URL already has is
 * kept, a fragment is dropped.
 */
export function announceUrl(trackerUrl: string, request: AnnounceRequest): string {
  let query =
    `info_hash=${percentEncode(request.infoHash)}&peer_id=${percentEncode(request.peerId)}` +
    `&port=${request.port}&uploaded=${request.uploaded}&downloaded=${request.downloaded}` +
    `&left=${request.left}&compact=1&no_peer_id=1`;
  if (request.event !== undefined) query += `&event=${request.event}`;
  if (request.numWant !== undefined) query += `&numwant=${request.numWant}`;
  if (request.key !== undefined) query += `&key=${(request.key >>> 0).toString(16).padStart(8, '0')}`;
  if (request.trackerId !== undefined)
    query += `&trackerid=${percentEncode(Buffer.from(request.trackerId, 'utf8'))}`;
  if (request.ip !== undefined) query += `&ip=${encodeURIComponent(request.ip)}`;
  return withQuery(trackerUrl, query);
}

/**
 * The URL that scrapes `infoHashes`, made from the announce URL by BEP 48's rule: the last path segment must begin
 * with `announce`, which becomes `scrape`.
 * @returns undefined where the tracker's URL does not follow the rule: it has no scrape
 */
export function scrapeUrl(trackerUrl: string, infoHashes: readonly InfoHash[]): string | undefined {
  const end = trackerUrl.search(/[?#]|$/);
  const segment = trackerUrl.lastIndexOf('/', end - 1) + 1;
  if (!trackerUrl.slice(segment, end).startsWith('announce')) return undefined;
  const base = `${trackerUrl.slice(0, segment)}scrape${trackerUrl.slice(segment + 'announce'.length)}`;
  return withQuery(base, infoHashes.map((hash) => `info_hash=${percentEncode(hash)}`).join('&'));
}

function withQuery(url: string, query: string): string {
  const hash = url.indexOf('#');
  const base = hash < 0 ? url : url.slice(0, hash);
  if (query === '') return base;
  if (!base.includes('?')) return `${base}?${query}`;
  return /[?&]$/.test(base) ? base + query : `${base}&${query}`;
}
