import { lookup as resolve } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { printable } from '@pixtorrent/core';
import { Agent, request } from 'undici';
import { type AllowedHosts, isInternal } from './addresses.ts';
import { IngestError } from './errors.ts';

export interface UrlSourceOptions {
  readonly allowed: AllowedHosts;
  /** Milliseconds without a byte. @default 30,000 */
  readonly stall?: number;
  /** Attempts one after the other that bring nothing. @default 5 */
  readonly attempts?: number;
}

/** A file that a URL leads to. */
export interface RemoteFile {
  /** Of the file, from the URL. */
  readonly name: string;
  /** Bytes, where the server says so. */
  readonly size: number | undefined;
  /** All of it; where the connection breaks, the rest is asked for. @throws IngestError */
  bytes(signal: AbortSignal): AsyncGenerator<Uint8Array, void, void>;
  close(): Promise<void>;
}

const MAX_REDIRECTS = 5;
const CONNECT_TIMEOUT = 10_000;
/** Milliseconds before the second attempt; doubles. */
const FIRST_PAUSE = 500;

type Response = Awaited<ReturnType<typeof request>>;

/**
 * Asks for what is at a URL. Every address that is connected to is looked at first, after each redirect too: internal
 * ones are refused unless they are allowed.
 * @throws IngestError
 */
export async function openUrl(
  text: string,
  signal: AbortSignal,
  options: UrlSourceOptions,
): Promise<RemoteFile> {
  const { allowed, stall = 30_000, attempts = 5 } = options;
  const agent = new Agent({
    connect: { lookup: guardedLookup(allowed), timeout: CONNECT_TIMEOUT },
    headersTimeout: stall,
    bodyTimeout: stall,
    maxHeaderSize: 32 * 1024,
    maxResponseSize: -1,
  });
  try {
    const { response, url } = await follow(parse(text), agent, {}, signal, allowed);
    if (response.statusCode !== 200)
      throw new IngestError('source', `${printable(url.href)} answers with status ${response.statusCode}`);
    const size = wholeNumber(response.headers['content-length']);
    return {
      name: nameOf(url),
      size,
      bytes: (until) => resumed(response, { url, agent, size, attempts, allowed }, until),
      close: () => agent.destroy(),
    };
  } catch (error) {
    await agent.destroy();
    throw asIngestError(error, text);
  }
}

interface Rest {
  readonly url: URL;
  readonly agent: Agent;
  readonly size: number | undefined;
  readonly attempts: number;
  readonly allowed: AllowedHosts;
}

async function* resumed(
  first: Response,
  rest: Rest,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const { url, agent, size, attempts, allowed } = rest;
  const validator = strongValidator(first);
  let response: Response | undefined = first;
  let done = 0;
  for (let failed = 0; ; ) {
    try {
      if (response === undefined) {
        const headers = { range: `bytes=${done}-`, ...(validator && { 'if-range': validator }) };
        ({ response } = await follow(url, agent, headers, signal, allowed));
        if (response.statusCode !== 206 || startOf(response) !== done)
          throw new IngestError('source', `${printable(url.href)} cannot be resumed at byte ${done}`);
      }
      for await (const chunk of response.body) {
        done += chunk.length;
        failed = 0;
        yield chunk;
      }
      if (size === undefined || done >= size) return;
      throw new Error(`it ended at byte ${done} of ${size}`);
    } catch (error) {
      // Without its size nobody can tell the end from a break, and without a validator the rest may be another file's.
      if (error instanceof IngestError || signal.aborted || size === undefined || validator === undefined)
        throw asIngestError(error, url.href);
      if (++failed >= attempts) throw asIngestError(error, url.href);
      response?.body.destroy();
      response = undefined;
      await pause(FIRST_PAUSE * 2 ** (failed - 1), undefined, { signal });
    }
  }
}

async function follow(
  start: URL,
  agent: Agent,
  headers: Record<string, string>,
  signal: AbortSignal,
  allowed: AllowedHosts,
): Promise<{ readonly response: Response; readonly url: URL }> {
  let url = start;
  for (let redirects = 0; ; redirects++) {
    refuseInternal(url, allowed);
    const response = await request(url, {
      dispatcher: agent,
      signal,
      headers: { 'accept-encoding': 'identity', 'user-agent': 'PixTorrent', ...headers },
    });
    const { location } = response.headers;
    if (response.statusCode < 300 || response.statusCode >= 400 || typeof location !== 'string')
      return { response, url };
    await response.body.dump();
    if (redirects === MAX_REDIRECTS)
      throw new IngestError('source', `${printable(start.href)} leads on and on`);
    url = parse(location, url);
  }
}

/** @throws IngestError */
function parse(text: string, base?: URL): URL {
  const url = URL.parse(text, base?.href);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new IngestError('invalid', `${printable(text)} is no http or https URL`);
  if (url.username !== '' || url.password !== '')
    throw new IngestError('invalid', 'a URL with a password in it');
  return url;
}

/** An address in place of a name is never looked up, so it is looked at here. */
function refuseInternal({ hostname }: URL, allowed: AllowedHosts): void {
  const address = hostname.replace(/^\[|\]$/g, '');
  if (/^[\d.]+$|:/.test(address) && isInternal(address) && !allowed.has(address, address))
    throw refused(hostname);
}

function guardedLookup(allowed: AllowedHosts): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error) return done(error, '');
      const usable = found.filter(({ address }) => !isInternal(address) || allowed.has(hostname, address));
      if (usable.length === 0) return done(refused(hostname), '');
      if (options.all) return done(null, usable as never);
      done(null, usable[0]!.address, usable[0]!.family);
    });
  };
}

function refused(host: string): IngestError {
  return new IngestError('refused', `${printable(host)} is an internal address, and is not allowed here`);
}

function asIngestError(error: unknown, url: string): unknown {
  if (error instanceof IngestError) return error;
  const { name, message, cause } = error as Error;
  if (name === 'AbortError') return error;
  if (cause instanceof IngestError) return cause;
  return new IngestError('source', `${printable(url)}: ${printable(message || name)}`, { cause: error });
}

/** What tells that a file is still the same (RFC 9110 13.1.5): a weak one does not. */
function strongValidator({ headers: { etag } }: Response): string | undefined {
  return typeof etag === 'string' && etag.startsWith('"') ? etag : undefined;
}

function startOf({ headers }: Response): number | undefined {
  const range = headers['content-range'];
  return typeof range === 'string' ? wholeNumber(/^bytes (\d+)-/.exec(range)?.[1]) : undefined;
}

function wholeNumber(text: string | string[] | undefined): number | undefined {
  return typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function nameOf({ pathname }: URL): string {
  const last = pathname.split('/').findLast((part) => part !== '') ?? '';
  try {
    return decodeURIComponent(last) || 'content';
  } catch {
    return last;
  }
}
