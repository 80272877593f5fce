import type { InfoHash } from '@pixtorrent/core';
import { type AnnounceQuery, parseAnnounceQuery, parseScrapeQuery } from '@pixtorrent/tracker-protocol';

/** What an HTTP request asks of the tracker. */
export type HttpRequest =
  | { readonly type: 'announce'; readonly query: AnnounceQuery }
  | { readonly type: 'scrape'; readonly infoHashes: readonly InfoHash[] }
  | { readonly type: 'health' }
  | { readonly type: 'wrong-method' }
  | { readonly type: 'unknown-path' };

/**
 * Reads method and target of a request.
 * @throws TrackerError `malformed`; its text is meant for the asker
 */
export function readRequest(method: string, target: string): HttpRequest {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark + 1);
  if (path !== '/announce' && path !== '/scrape' && path !== '/healthz') return { type: 'unknown-path' };
  if (method !== 'GET') return { type: 'wrong-method' };
  if (path === '/announce') return { type: 'announce', query: parseAnnounceQuery(query) };
  if (path === '/scrape') return { type: 'scrape', infoHashes: parseScrapeQuery(query) };
  return { type: 'health' };
}
