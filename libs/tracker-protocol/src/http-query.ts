import type { InfoHash, PeerId } from '@pixtorrent/core';
import { ID_LENGTH } from '@pixtorrent/core';
import type { AnnounceEvent, AnnounceRequest } from './announce.ts';
import { TrackerError } from './errors.ts';
import { percentDecode } from './percent.ts';

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
const EVENTS: Readonly<Record<string, AnnounceEvent | undefined>> = {
  '': undefined,
  empty: undefined,
  paused: undefined,
  started: 'started',
  completed: 'completed',
  stopped: 'stopped',
};

/**
 * Reads the query of an announce, the part of the URL after `?`. Unknown keys are passed over; of a key that is
 * repeated the last counts. `event=paused` (BEP 21) is a regular announce.
 * @throws TrackerError `malformed`; its text is meant for the asker
 */
export function parseAnnounceQuery(query: string): AnnounceQuery {
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

  for (let at = 0; at < query.length; ) {
    const end = endOf(query, at);
    const equals = equalsIn(query, at, end);
    const value = Math.min(equals + 1, end);
    switch (query.slice(at, equals)) {
      case 'info_hash':
        infoHash = id(query, value, end, 'info_hash') as InfoHash;
        break;
      case 'peer_id':
        peerId = id(query, value, end, 'peer_id') as PeerId;
        break;
      case 'port':
        port = count(query, value, end, 'port');
        break;
      case 'uploaded':
        uploaded = count(query, value, end, 'uploaded');
        break;
      case 'downloaded':
        downloaded = count(query, value, end, 'downloaded');
        break;
      case 'left':
        left = count(query, value, end, 'left');
        break;
      case 'event': {
        const name = text(query, value, end, 'event');
        if (!Object.hasOwn(EVENTS, name)) throw malformed('event is not one of started, completed, stopped');
        event = EVENTS[name];
        break;
      }
      case 'numwant':
        // Some clients say -1 for "as many as you like".
        numWant = query.slice(value, end) === '-1' ? undefined : count(query, value, end, 'numwant');
        break;
      case 'key':
        key = keyOf(text(query, value, end, 'key'));
        break;
      case 'trackerid':
        trackerId = text(query, value, end, 'trackerid');
        break;
      case 'ip':
        ip = text(query, value, end, 'ip');
        break;
      case 'compact':
        compact = query.slice(value, end) !== '0';
        break;
      case 'no_peer_id':
        noPeerId = query.slice(value, end) === '1';
        break;
    }
    at = end + 1;
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
    compact,
    noPeerId,
    ...(event !== undefined && { event }),
    ...(numWant !== undefined && { numWant }),
    ...(key !== undefined && { key }),
    ...(trackerId !== undefined && { trackerId }),
    ...(ip !== undefined && { ip }),
  };
}

/**
 * Reads the query of a scrape: the torrents that it names, 1 to `MAX_SCRAPE`.
 * @throws TrackerError `malformed`; its text is meant for the asker
 */
export function parseScrapeQuery(query: string): InfoHash[] {
  const hashes: InfoHash[] = [];
  for (let at = 0; at < query.length; ) {
    const end = endOf(query, at);
    const equals = equalsIn(query, at, end);
    if (query.slice(at, equals) === 'info_hash') {
      if (hashes.length === MAX_SCRAPE) throw malformed(`more than ${MAX_SCRAPE} torrents in one scrape`);
      hashes.push(id(query, Math.min(equals + 1, end), end, 'info_hash') as InfoHash);
    }
    at = end + 1;
  }
  if (hashes.length === 0) throw malformed('info_hash is missing: a scrape names its torrents');
  return hashes;
}

function endOf(query: string, from: number): number {
  const end = query.indexOf('&', from);
  return end < 0 ? query.length : end;
}

function equalsIn(query: string, from: number, end: number): number {
  const equals = query.indexOf('=', from);
  return equals < 0 || equals > end ? end : equals;
}

function id(query: string, start: number, end: number, name: string): Uint8Array {
  const bytes = new Uint8Array(ID_LENGTH);
  if (percentDecode(query, start, end, bytes) !== ID_LENGTH) throw malformed(`${name} is not 20 bytes`);
  return bytes;
}

/** Up to 64 bits; past 2⁵³ the value is rounded, which is near enough for bytes of a transfer. */
function count(query: string, start: number, end: number, name: string): number {
  if (end === start || end - start > 20) throw malformed(`${name} is not a number`);
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = query.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) throw malformed(`${name} is not a number`);
    value = value * 10 + digit;
  }
  return value;
}

function text(query: string, start: number, end: number, name: string): string {
  const bytes = Buffer.alloc(Math.min(end - start, MAX_TEXT));
  const length = percentDecode(query, start, end, bytes);
  if (length < 0) throw malformed(`${name} is not readable`);
  return bytes.toString('utf8', 0, length);
}

/** Clients write 8 hexadecimal digits, but any text is allowed: what is not of that form is passed over. */
function keyOf(value: string): number | undefined {
  return /^[0-9a-f]{1,8}$/i.test(value) ? Number.parseInt(value, 16) : undefined;
}

function malformed(message: string): TrackerError {
  return new TrackerError('malformed', message);
}
