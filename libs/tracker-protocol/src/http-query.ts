import type { InfoHash, PeerId } from '@pixtorrent/core';
import { ID_LENGTH } from '@pixtorrent/core';
import type { AnnounceEvent, AnnounceRequest } from './announce.ts';
import { TrackerError } from './errors.ts';
import { withoutPort } from './ip-address.ts';
import { percentDecode } from './percent.ts';
import { keyAt } from './query-keys.ts';

/** An announce as an HTTP tracker reads it. */
export interface AnnounceQuery extends AnnounceRequest {
  /** The asker takes compact lists (BEP 23); only `compact=0` says that it does not. */
  readonly compact: boolean;
  /** The asker does without peer IDs in lists that are not compact. */
  readonly noPeerId: boolean;
}

/** How many torrents one scrape may name. */
export const MAX_SCRAPE = 64;

const MAX_TEXT = 256;
const AND = 0x26;
const EQUALS = 0x3d;
const NO_EVENT = new Set(['', 'empty', 'paused']);
const EVENTS: readonly AnnounceEvent[] = ['started', 'completed', 'stopped'];

/**
 * Reads the query of an announce, the part of the URL after `?`, from `start` to `end` of `query`. Unknown keys are
 * passed over; of a key that is repeated the last counts. `event=paused` (BEP 21) is a regular announce. Nothing but
 * what is returned is allocated.
 * @throws TrackerError `malformed`; its text is meant for the asker
 */
export function parseAnnounceQuery(query: Uint8Array, start = 0, end = query.length): AnnounceQuery {
  let infoHash: InfoHash | undefined;
  let peerId: PeerId | undefined;
  let port = 0;
  let uploaded = 0;
  let downloaded = 0;
  let left = -1;
  let event: AnnounceEvent | undefined;
  let numWant: number | undefined;
  let key: number | undefined;
  let trackerId: string | undefined;
  let ip: string | undefined;
  let compact = true;
  let noPeerId = false;

  for (let at = start; at < end; ) {
    const keyEnd = endOfKey(query, at, end);
    const name = keyAt(query, at, keyEnd);
    at = keyEnd < end && query[keyEnd] === EQUALS ? keyEnd + 1 : keyEnd;
    const next = endOfValue(query, at, end);
    switch (name) {
      case 'info_hash':
        infoHash = id(query, at, next, name) as InfoHash;
        break;
      case 'peer_id':
        peerId = id(query, at, next, name) as PeerId;
        break;
      case 'port':
        port = count(query, at, next, name);
        break;
      case 'uploaded':
        uploaded = count(query, at, next, name);
        break;
      case 'downloaded':
        downloaded = count(query, at, next, name);
        break;
      case 'left':
        left = count(query, at, next, name);
        break;
      case 'event':
        event = eventOf(text(query, at, next, name));
        break;
      case 'numwant':
        // Some clients say -1 for "as many as you like".
        numWant = isText(query, at, next, '-1') ? undefined : count(query, at, next, name);
        break;
      case 'key':
        key = keyOf(text(query, at, next, name));
        break;
      case 'trackerid':
        trackerId = text(query, at, next, name);
        break;
      case 'ip':
        ip = text(query, at, next, name);
        break;
      case 'ipv4':
      case 'ipv6':
        ip ??= withoutPort(text(query, at, next, name));
        break;
      case 'compact':
        compact = !isText(query, at, next, '0');
        break;
      case 'no_peer_id':
        noPeerId = isText(query, at, next, '1');
        break;
    }
    at = next + 1;
  }

  if (infoHash === undefined) throw malformed('info_hash is missing');
  if (peerId === undefined) throw malformed('peer_id is missing');
  if (port < 1 || port > 65535) throw malformed('port must be from 1 to 65535');
  if (left < 0) throw malformed('left is missing');
  return {
    infoHash,
    peerId,
    port,
    uploaded,
    downloaded,
    left,
    event,
    numWant,
    key,
    trackerId,
    ip,
    compact,
    noPeerId,
  };
}

/**
 * Reads the query of a scrape: the torrents that it names, 1 to `MAX_SCRAPE`.
 * @throws TrackerError `malformed`; its text is meant for the asker
 */
export function parseScrapeQuery(query: Uint8Array, start = 0, end = query.length): InfoHash[] {
  const hashes: InfoHash[] = [];
  for (let at = start; at < end; ) {
    const keyEnd = endOfKey(query, at, end);
    const name = keyAt(query, at, keyEnd);
    at = keyEnd < end && query[keyEnd] === EQUALS ? keyEnd + 1 : keyEnd;
    const next = endOfValue(query, at, end);
    if (name === 'info_hash') {
      if (hashes.length === MAX_SCRAPE) throw malformed(`more than ${MAX_SCRAPE} torrents in one scrape`);
      hashes.push(id(query, at, next, name) as InfoHash);
    }
    at = next + 1;
  }
  if (hashes.length === 0) throw malformed('info_hash is missing: a scrape names its torrents');
  return hashes;
}

function endOfKey(query: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && query[at] !== EQUALS && query[at] !== AND) at++;
  return at;
}

function endOfValue(query: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && query[at] !== AND) at++;
  return at;
}

function id(query: Uint8Array, start: number, end: number, name: string): Uint8Array {
  const bytes = new Uint8Array(ID_LENGTH);
  if (percentDecode(query, start, end, bytes) !== ID_LENGTH) throw malformed(`${name} is not 20 bytes`);
  return bytes;
}

/** Up to 64 bits; past 2⁵³ the value is rounded, which is near enough for bytes of a transfer. */
function count(query: Uint8Array, start: number, end: number, name: string): number {
  if (end === start || end - start > 20) throw malformed(`${name} is not a number`);
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = query[i]! - 0x30;
    if (digit < 0 || digit > 9) throw malformed(`${name} is not a number`);
    value = value * 10 + digit;
  }
  return value;
}

function text(query: Uint8Array, start: number, end: number, name: string): string {
  const bytes = Buffer.allocUnsafe(Math.min(end - start, MAX_TEXT));
  const length = percentDecode(query, start, end, bytes);
  if (length < 0) throw malformed(`${name} is not readable`);
  return bytes.toString('utf8', 0, length);
}

function isText(query: Uint8Array, start: number, end: number, wanted: string): boolean {
  if (end - start !== wanted.length) return false;
  for (let i = 0; i < wanted.length; i++) if (query[start + i] !== wanted.charCodeAt(i)) return false;
  return true;
}

function eventOf(name: string): AnnounceEvent | undefined {
  const event = EVENTS.find((known) => known === name);
  if (event === undefined && !NO_EVENT.has(name))
    throw malformed('event is not one of started, completed, stopped');
  return event;
}

/** Clients write 8 hexadecimal digits, but any text is allowed: what is not of that form is passed over. */
function keyOf(value: string): number | undefined {
  return /^[0-9a-f]{1,8}$/i.test(value) ? Number.parseInt(value, 16) : undefined;
}

function malformed(message: string): TrackerError {
  return new TrackerError('malformed', message);
}
