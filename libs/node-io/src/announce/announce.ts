import type { InfoHash } from '@pixtorrent/core';
import {
  type AnnounceRequest,
  type AnnounceResponse,
  announceUrl,
  parseAnnounceResponse,
  parseScrapeResponse,
  type ScrapeEntry,
  scrapeUrl,
  TrackerError,
} from '@pixtorrent/tracker-protocol';
import { type Deadline, deadline } from './deadline.ts';
import { getBounded } from './http.ts';
import { askUdp } from './udp.ts';

export interface AskOptions {
  /** Takes the question back: it ends with `cancelled`. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds for the whole of it: look-up, connection, repetitions, answer.
   * @default 15,000
   */
  readonly timeoutMs?: number;
}

/**
 * Announces to the tracker at `url` (`http`, `https` or `udp`).
 * @throws TrackerError
 */
export function announce(
  url: string,
  request: AnnounceRequest,
  options: AskOptions = {},
): Promise<AnnounceResponse> {
  return within(options, async (limit) => {
    if (protocolOf(url) !== 'udp:')
      return parseAnnounceResponse(await getBounded(announceUrl(url, request), limit));
    const { pathname, search } = new URL(url);
    // Trackers that know nothing of BEP 41 get nothing of it, unless the URL says more than where they are.
    const urlData = ['', '/', '/announce'].includes(pathname + search) ? '' : pathname + search;
    const end = await askUdp(new URL(url), { type: 'announce', request, urlData }, limit);
    if (end.type !== 'announced') throw new TrackerError('malformed', 'another answer than was asked for');
    return end.response;
  });
}

/**
 * Asks the tracker at `url`, an announce URL, for the figures of torrents.
 * @returns one entry for each of `infoHashes`, undefined for what the tracker does not know (UDP: zeros)
 * @throws TrackerError; `unsupported` where the URL has no scrape that belongs to it (BEP 48)
 */
export function scrape(
  url: string,
  infoHashes: readonly InfoHash[],
  options: AskOptions = {},
): Promise<readonly (ScrapeEntry | undefined)[]> {
  return within(options, async (limit) => {
    if (protocolOf(url) !== 'udp:') {
      const target = scrapeUrl(url, infoHashes);
      if (target === undefined) throw new TrackerError('unsupported', 'this tracker has no scrape');
      return parseScrapeResponse(await getBounded(target, limit), infoHashes);
    }
    const end = await askUdp(new URL(url), { type: 'scrape', infoHashes }, limit);
    if (end.type !== 'scraped') throw new TrackerError('malformed', 'another answer than was asked for');
    return end.entries;
  });
}

async function within<T>(options: AskOptions, ask: (limit: Deadline) => Promise<T>): Promise<T> {
  const limit = deadline(options.timeoutMs ?? 15_000, options.signal);
  try {
    return await ask(limit);
  } finally {
    limit.release();
  }
}

function protocolOf(url: string): string {
  const protocol = URL.parse(url)?.protocol;
  if (protocol === 'udp:' || protocol === 'http:' || protocol === 'https:') return protocol;
  throw new TrackerError('unsupported', 'a tracker is asked by http, https or udp only');
}
