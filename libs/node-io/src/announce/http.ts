import { printable } from '@pixtorrent/core';
import { MAX_ANSWER_BYTES, TrackerError } from '@pixtorrent/tracker-protocol';
import type { Deadline } from './deadline.ts';

const MAX_REDIRECTS = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Fetches an answer of at most `MAX_ANSWER_BYTES`, unpacked. A status of refusal is an answer too where it has a
 * body: trackers give their reason with any status.
 * @throws TrackerError
 */
export async function getBounded(address: string, { signal }: Deadline): Promise<Uint8Array> {
  try {
    let url = supported(address);
    for (let redirects = 0; ; redirects++) {
      const response = await fetch(url, {
        redirect: 'manual',
        signal,
        headers: { 'user-agent': 'PixTorrent', accept: '*/*' },
      });
      const location = REDIRECTS.has(response.status) ? response.headers.get('location') : null;
      if (location === null) return await answerOf(response);
      await response.body?.cancel();
      if (redirects === MAX_REDIRECTS) throw new TrackerError('refused', 'redirected too often');
      url = supported(location, url);
    }
  } catch (error) {
    throw asTrackerError(error, signal);
  }
}

function supported(address: string, base?: URL): URL {
  const url = URL.parse(address, base?.href);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new TrackerError('unsupported', 'not an address for http or https');
  if (url.username !== '' || url.password !== '')
    throw new TrackerError('unsupported', 'a tracker URL with a password in it');
  return url;
}

async function answerOf(response: Response): Promise<Uint8Array> {
  const body = await readBounded(response);
  // A dictionary: let its reason speak. Anything else with a status of refusal is a page for people.
  if (response.ok || body[0] === 0x64) return body;
  throw new TrackerError('refused', `HTTP status ${response.status}`);
}

async function readBounded(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the stream, and with it the connection.
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > MAX_ANSWER_BYTES)
      throw new TrackerError('too-large', `an answer of more than ${MAX_ANSWER_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

function asTrackerError(error: unknown, signal: AbortSignal): TrackerError {
  if (error instanceof TrackerError) return error;
  if (signal.aborted && signal.reason instanceof TrackerError) return signal.reason;
  const cause: { code?: unknown; name?: string; message?: string } =
    (error as Error).cause ?? (error as Error);
  const code = String(cause.code ?? '');
  const garbled = cause.name === 'HTTPParserError' || /^(HPE_|UND_ERR_HEADERS_OVERFLOW|Z_)/.test(code);
  const message = printable(code || cause.message || 'the connection failed');
  return new TrackerError(garbled ? 'malformed' : 'unreachable', message, { cause: error });
}
