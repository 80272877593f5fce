import type { tracker as wire } from '@pixtorrent/contracts';
import type { PeerStore, TrackerLogic } from '@pixtorrent/tracker';
import { announcedBy, answerMessage } from './announce-messages.ts';
import type { Caller } from './callers.ts';
import {
  countsMessage,
  hashesAskedFor,
  pageAskedFor,
  statisticsMessage,
  totalsMessage,
} from './swarm-messages.ts';
import { formatSwarmToken } from './swarm-token.ts';

/** What it was given before nobody remembers: an asker that is stalled gets others by chance only. */
const NOTHING: ReadonlySet<string> = new Set();

export async function announce(
  logic: TrackerLogic,
  message: wire.AnnounceRequest,
  caller: Caller,
): Promise<wire.AnnounceResponse> {
  const { request, asking, stalled, warning } = announcedBy(message, caller);
  const answer = await logic.announce(request, { ...asking, ...(stalled && { stalledWith: NOTHING }) });
  return answerMessage(answer, warning);
}

export async function scrape(
  logic: TrackerLogic,
  message: wire.ScrapeRequest,
  { address }: Caller,
): Promise<wire.ScrapeResponse> {
  const hashes = hashesAskedFor(message);
  const { announceKey } = message;
  const entries = await logic.scrape(hashes, {
    frontend: 'grpc',
    address,
    ...(announceKey !== '' && { announceKey }),
  });
  return { swarms: hashes.map((hash, n) => countsMessage(hash, entries[n])) };
}

export async function listSwarms(
  store: PeerStore,
  message: wire.ListSwarmsRequest,
): Promise<wire.ListSwarmsResponse> {
  const { limit, after } = pageAskedFor(message);
  // One more than has room, to know whether there is more.
  const [found, totals] = await Promise.all([store.swarms(after, limit + 1), store.totals()]);
  const page = found.slice(0, limit);
  return {
    swarms: page.map(statisticsMessage),
    nextPageToken: found.length > limit ? formatSwarmToken(page.at(-1)!.infoHash) : '',
    totals: totalsMessage(totals),
  };
}
