import {
  type Endpoint,
  endpointKey,
  type InfoHash,
  infoHash,
  infoHashFromHex,
  printable,
  toHex,
} from '@pixtorrent/core';
import { MetainfoError } from './errors.ts';
import { validTiers, validWebSeeds } from './urls.ts';

/** A magnet link (BEP 9): enough to fetch the info dictionary from peers. */
export interface Magnet {
  readonly infoHash: InfoHash;
  /** Name to show until the real one is known (`dn`); never a path. */
  readonly name?: string;
  /** `tr`, valid URLs only, at most 200. */
  readonly trackers: readonly string[];
  /** `x.pe`, at most 200. */
  readonly peers: readonly Endpoint[];
  /** `ws`, valid URLs only, at most 200. */
  readonly webSeeds: readonly string[];
}

/** Characters of a link. */
const MAX_LENGTH = 256 * 1024;
const MAX_PEERS = 200;
const BTIH = /^urn:btih:(?:([0-9a-f]{40})|([a-z2-7]{32}))$/i;

/**
 * Reads a magnet link: `xt` (`urn:btih:` with 40 hexadecimal or 32 base32 digits), `dn`, `tr`, `ws`, `x.pe`; numbered
 * forms (`tr.1`) too. Other parameters, and values that are not valid, are left out.
 * @throws MetainfoError `bad-magnet`, or `v2-only` for a link with nothing but a `btmh` hash (BEP 52)
 */
export function parseMagnet(text: string): Magnet {
  if (text.length > MAX_LENGTH) {
    throw new MetainfoError('bad-magnet', 'magnet', `is longer than ${MAX_LENGTH} characters`);
  }
  const query = /^magnet:\?(.*)$/is.exec(text.trim())?.[1];
  if (query === undefined) throw new MetainfoError('bad-magnet', 'magnet', 'does not begin with "magnet:?"');
  const parameters = readParameters(query);
  const name = parameters.get('dn')?.find((value) => value !== '');
  return {
    infoHash: readTopic(parameters.get('xt') ?? []),
    ...(name !== undefined && { name: printable(name).toWellFormed() }),
    trackers: validTiers([parameters.get('tr') ?? []]).flat(),
    peers: readPeers(parameters.get('x.pe') ?? []),
    webSeeds: validWebSeeds(parameters.get('ws') ?? []),
  };
}

/** The link in its usual form, the hash in hexadecimal. `parseMagnet` gives back the same. */
export function formatMagnet(magnet: Pick<Magnet, 'infoHash'> & Partial<Magnet>): string {
  const parts = [`xt=urn:btih:${toHex(magnet.infoHash)}`];
  const add = (key: string, value: string) =>
    parts.push(`${key}=${encodeURIComponent(value.toWellFormed())}`);
  if (magnet.name !== undefined) add('dn', magnet.name);
  for (const url of magnet.trackers ?? []) add('tr', url);
  for (const url of magnet.webSeeds ?? []) add('ws', url);
  for (const peer of magnet.peers ?? []) {
    // libtorrent takes an address only where its colons and brackets are not escaped.
    parts.push(`x.pe=${encodeURIComponent(endpointKey(peer)).replace(/%(?:3A|5B|5D)/g, decodeURIComponent)}`);
  }
  return `magnet:?${parts.join('&')}`;
}

function readParameters(query: string): Map<string, string[]> {
  const parameters = new Map<string, string[]>();
  for (const part of query.split('&')) {
    const equals = part.indexOf('=');
    const key = part
      .slice(0, Math.max(equals, 0))
      .toLowerCase()
      .replace(/\.\d+$/, '');
    const value = decodeText(
      key === 'dn' ? part.slice(equals + 1).replaceAll('+', ' ') : part.slice(equals + 1),
    );
    if (value === undefined) continue;
    const values = parameters.get(key);
    if (values) values.push(value);
    else parameters.set(key, [value]);
  }
  return parameters;
}

function decodeText(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function readTopic(topics: readonly string[]): InfoHash {
  const hashes = topics.flatMap((topic) => {
    const match = BTIH.exec(topic);
    if (!match) return [];
    return match[1] !== undefined ? [infoHashFromHex(match[1])] : [infoHash(fromBase32(match[2]!))];
  });
  const [first] = hashes;
  if (first === undefined) {
    if (topics.some((topic) => /^urn:btmh:/i.test(topic))) {
      throw new MetainfoError(
        'v2-only',
        'xt',
        'a BitTorrent version 2 hash alone (BEP 52), which is not supported',
      );
    }
    throw new MetainfoError(
      'bad-magnet',
      'xt',
      'no info hash (urn:btih: with 40 hexadecimal or 32 base32 digits)',
    );
  }
  if (hashes.some((hash) => toHex(hash) !== toHex(first))) {
    throw new MetainfoError('bad-magnet', 'xt', 'two different info hashes');
  }
  return first;
}

/** RFC 4648, section 6; 32 digits are 20 bytes. */
function fromBase32(text: string): Uint8Array {
  let bits = 0n;
  for (const digit of text.toUpperCase()) {
    bits = (bits << 5n) | BigInt('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(digit));
  }
  return Buffer.from(bits.toString(16).padStart(40, '0'), 'hex');
}

function readPeers(values: readonly string[]): Endpoint[] {
  const peers = new Map<string, Endpoint>();
  for (const value of values) {
    const peer = readEndpoint(value);
    if (peer) peers.set(endpointKey(peer), peer);
    if (peers.size >= MAX_PEERS) break;
  }
  return [...peers.values()];
}

/** `host:port`, `192.0.2.1:6881` or `[2001:db8::1]:6881`; the URL parser knows what a host is. */
function readEndpoint(text: string): Endpoint | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[\w.-]{1,253}):(\d{1,5})$/i.exec(text);
  const host = match && URL.parse(`http://${match[1]}`)?.hostname;
  const port = Number(match?.[2]);
  if (!host || port < 1 || port > 65_535) return undefined;
  return { host: host.replace(/^\[|\]$/g, ''), port };
}
