import { TrackerError } from '@pixtorrent/tracker-protocol';

/** A tracker that keeps sessions, as its announce URL names it. */
export interface SessionTarget {
  /** A name, an IPv4 address, or an IPv6 address in brackets. */
  readonly host: string;
  readonly port: number;
  /** Over TLS. */
  readonly secure: boolean;
  /** Empty where none was given. */
  readonly announceKey: string;
}

const HOST = /^(?:[a-z0-9_](?:[a-z0-9_.-]{0,252})|\[[0-9a-f:.]{2,45}\])$/i;
const MAX_KEY_LENGTH = 256;

/**
 * Reads `grpc://host:port` and `grpcs://host:port`. An announce key stands in the query (`?key=…`), or in the path as
 * it does over HTTP (`/KEY` or `/KEY/announce`).
 * @throws TrackerError `unsupported`
 */
export function parseSessionUrl(text: string): SessionTarget {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'grpc:' && url.protocol !== 'grpcs:'))
    throw new TrackerError('unsupported', 'not an address for grpc or grpcs');
  if (url.username !== '' || url.password !== '')
    throw new TrackerError('unsupported', 'a tracker URL with a password in it');
  if (!HOST.test(url.hostname)) throw new TrackerError('unsupported', 'a gRPC tracker needs a plain host');
  const port = Number(url.port);
  if (port === 0) throw new TrackerError('unsupported', 'a gRPC tracker needs a port');
  return { host: url.hostname, port, secure: url.protocol === 'grpcs:', announceKey: keyOf(url) };
}

function keyOf(url: URL): string {
  const [first = ''] = url.pathname.split('/').filter((segment) => segment !== '');
  const key = url.searchParams.get('key') ?? (first === 'announce' ? '' : decoded(first));
  if (key.length > MAX_KEY_LENGTH) throw new TrackerError('unsupported', 'an announce key that is too long');
  return key;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new TrackerError('unsupported', 'an announce key that is not text');
  }
}
