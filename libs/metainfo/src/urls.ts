import type { BencodeValue, Dictionary } from '@pixtorrent/bencode';

/** Tracker URLs of one torrent, and its web seeds. */
const MAX_URLS = 200;
const MAX_URL_LENGTH = 2048;
const NEEDS_PORT = /^(?:udp|grpcs?):$/;

/**
 * The URL as it was written (in ASCII form where it was not), or undefined unless it is a syntactically valid
 * `http`, `https`, `udp`, `grpc` or `grpcs` URL of at most 2,048 characters; those that have no port of their own need
 * one (BEP 15).
 */
export function trackerUrl(text: string): string | undefined {
  const url = parsed(text);
  if (url && NEEDS_PORT.test(url.protocol)) return Number(url.port) > 0 ? written(text, url) : undefined;
  return isHttp(url) ? written(text, url) : undefined;
}

/** The same for a web seed (BEP 19): `http`, `https`. */
export function webSeedUrl(text: string): string | undefined {
  const url = parsed(text);
  return isHttp(url) ? written(text, url) : undefined;
}

/** The valid URLs of each tier, each URL once, at most 200; tiers that are left empty are dropped (BEP 12). */
export function validTiers(tiers: readonly (readonly string[])[]): string[][] {
  const seen = new Set<string>();
  return tiers
    .map((tier) => tier.flatMap((text) => accept(text, trackerUrl, seen)))
    .filter((tier) => tier.length > 0);
}

/** The valid web seeds, each once, at most 200. */
export function validWebSeeds(texts: readonly string[]): string[] {
  const seen = new Set<string>();
  return texts.flatMap((text) => accept(text, webSeedUrl, seen));
}

/** `announce-list` where it has a valid URL, else `announce` (BEP 12). */
export function readTrackers(torrent: Dictionary): string[][] {
  const list = torrent.list('announce-list') ?? [];
  const tiers = validTiers(list.map(texts));
  return tiers.length > 0 ? tiers : validTiers([texts(torrent.get('announce'))]);
}

/** `url-list`, one URL or a list of them (BEP 19). */
export function readWebSeeds(torrent: Dictionary): string[] {
  return validWebSeeds(texts(torrent.get('url-list')));
}

/** The byte strings of a list, or the one that stands in its place. */
function texts(value: BencodeValue | undefined): string[] {
  if (value instanceof Uint8Array)
    return value.length > MAX_URL_LENGTH ? [] : [Buffer.from(value).toString()];
  if (!Array.isArray(value)) return [];
  return value.flatMap((item) => (item instanceof Uint8Array ? texts(item) : []));
}

function accept(text: string, rule: (text: string) => string | undefined, seen: Set<string>): string[] {
  const url = seen.size < MAX_URLS ? rule(text) : undefined;
  if (url === undefined || seen.has(url)) return [];
  seen.add(url);
  return [url];
}

function parsed(text: string): URL | undefined {
  // The URL parser drops tabs and line ends and trims spaces: what it accepted would not be what was written.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
  if (text.length > MAX_URL_LENGTH || /[\u0000-\u0020\u007f]/.test(text)) return undefined;
  const url = URL.parse(text);
  return url && url.hostname !== '' ? url : undefined;
}

function isHttp(url: URL | undefined): url is URL {
  return url?.protocol === 'http:' || url?.protocol === 'https:';
}

function written(text: string, url: URL): string {
  return /^[\u0021-\u007e]+$/.test(text) ? text : url.href;
}
