import { type BencodeValue, Dictionary, decode } from '@pixtorrent/bencode';
import { ID_LENGTH, type InfoHash, type PeerId, peerId, printable } from '@pixtorrent/core';
import type { AnnounceResponse, ScrapeEntry, TrackerPeer } from './announce.ts';
import { MAX_PEERS, readCompactPeers } from './compact-peers.ts';
import { TrackerError } from './errors.ts';
import { clampInterval } from './interval.ts';
import { parseIp } from './ip-address.ts';

/** Bytes of the longest answer of an HTTP tracker that is read. */
export const MAX_ANSWER_BYTES = 1024 * 1024;

const MAX_TRACKER_ID = 512;
/** A dictionary form peer takes 4 values, and lists may be longer than what is kept of them. */
const LIMITS = {
  maxBytes: MAX_ANSWER_BYTES,
  maxDepth: 6,
  maxItems: 8 * MAX_PEERS,
  unsortedKeys: 'accept',
} as const;

/**
 * Reads an announce answer (BEP 3; compact: BEP 23, BEP 7). Peers with an impossible address are left out, more
 * than `MAX_PEERS` are cut off, times are brought into a sane range.
 * @throws TrackerError `refused` with the tracker's reason, `malformed`, `too-large`
 */
export function parseAnnounceResponse(body: Uint8Array): AnnounceResponse {
  const answer = readAnswer(body);
  const interval = answer.get('interval');
  const minInterval = answer.get('min interval');
  const seeders = count(answer.get('complete'));
  const leechers = count(answer.get('incomplete'));
  const warning = answer.text('warning message');
  const trackerId = answer.bytes('tracker id');
  const least = minInterval === undefined ? undefined : clampInterval(minInterval);
  return {
    interval: Math.max(clampInterval(interval), least ?? 0),
    peers: readPeers(answer),
    ...(least !== undefined && { minInterval: least }),
    ...(seeders !== undefined && { seeders }),
    ...(leechers !== undefined && { leechers }),
    ...(warning && { warning: printable(warning) }),
    ...(trackerId !== undefined &&
      trackerId.length <= MAX_TRACKER_ID && { trackerId: answer.text('tracker id')! }),
  };
}

/**
 * Reads a scrape answer (BEP 48).
 * @returns one entry for each of `infoHashes`, in their order; undefined where the tracker does not know the torrent
 * @throws TrackerError `refused` with the tracker's reason, `malformed`, `too-large`
 */
export function parseScrapeResponse(
  body: Uint8Array,
  infoHashes: readonly InfoHash[],
): (ScrapeEntry | undefined)[] {
  const files = readAnswer(body).dictionary('files');
  if (files === undefined) throw new TrackerError('malformed', 'a scrape answer without "files"');
  return infoHashes.map((hash) => {
    const file = files.dictionary(Buffer.from(hash).toString('latin1'));
    if (file === undefined) return undefined;
    return {
      seeders: count(file.get('complete')) ?? 0,
      leechers: count(file.get('incomplete')) ?? 0,
      completed: count(file.get('downloaded')) ?? 0,
    };
  });
}

function readAnswer(body: Uint8Array): Dictionary {
  if (body.length > MAX_ANSWER_BYTES)
    throw new TrackerError(
      'too-large',
      `an answer of ${body.length} bytes, the limit is ${MAX_ANSWER_BYTES}`,
    );
  let answer: BencodeValue;
  try {
    answer = decode(body, LIMITS);
  } catch (cause) {
    throw new TrackerError('malformed', `not bencode: ${(cause as Error).message}`, { cause });
  }
  if (!(answer instanceof Dictionary)) throw new TrackerError('malformed', 'the answer is no dictionary');
  const reason = answer.text('failure reason');
  if (reason !== undefined)
    throw new TrackerError('refused', printable(reason) || 'the tracker gave no reason');
  return answer;
}

function readPeers(answer: Dictionary): TrackerPeer[] {
  const peers: TrackerPeer[] = [];
  const given = answer.get('peers');
  if (given instanceof Uint8Array) readCompactPeers(given, 4, peers);
  else if (Array.isArray(given)) readPeerList(given, peers);
  const v6 = answer.get('peers6');
  if (v6 instanceof Uint8Array) readCompactPeers(v6, 16, peers);
  else if (Array.isArray(v6)) readPeerList(v6, peers);
  return peers;
}

function readPeerList(list: readonly BencodeValue[], peers: TrackerPeer[]): void {
  for (const entry of list) {
    if (peers.length >= MAX_PEERS) return;
    if (!(entry instanceof Dictionary)) continue;
    const host = entry.text('ip');
    const port = entry.integer('port');
    const id = entry.bytes('peer id');
    if (host === undefined || !isHost(host) || port === undefined || port < 1 || port > 65535) continue;
    peers.push({ host, port, ...(id?.length === ID_LENGTH && { peerId: peerId(id) as PeerId }) });
  }
}

/** BEP 3 allows an address or a DNS name. */
function isHost(text: string): boolean {
  return parseIp(text) !== undefined || /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text);
}

function count(value: BencodeValue | undefined): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined;
}
