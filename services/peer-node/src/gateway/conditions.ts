import type { IncomingHttpHeaders } from 'node:http';

/** What tells one state of something from another. */
export interface Validators {
  /** A strong one, with its quotes. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** - `read`: go on; `ranges`: as the Range header has it - `unchanged`: 304 - `changed`: 412 */
export type Verdict =
  | { readonly type: 'read'; readonly ranges: boolean }
  | { readonly type: 'unchanged' }
  | { readonly type: 'changed' };

/** Judges the conditions of a GET or HEAD, in the order of RFC 9110 13.2.2. */
export function judge(headers: IncomingHttpHeaders, validators: Validators, now: number): Verdict {
  const { etag } = validators;
  const seconds = Math.floor(validators.modified / 1000);
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    if (!names(ifMatch, etag, 'strong')) return { type: 'changed' };
  } else {
    const since = secondsOf(headers['if-unmodified-since']);
    if (since !== undefined && seconds > since) return { type: 'changed' };
  }
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) {
    if (names(ifNoneMatch, etag, 'weak')) return { type: 'unchanged' };
  } else {
    const since = secondsOf(headers['if-modified-since']);
    if (since !== undefined && seconds <= since) return { type: 'unchanged' };
  }
  return { type: 'read', ranges: rangesHold(headers['if-range'], etag, seconds, now) };
}

function rangesHold(ifRange: unknown, etag: string, seconds: number, now: number): boolean {
  if (typeof ifRange !== 'string') return true;
  if (/^(?:W\/)?"/.test(ifRange)) return ifRange === etag;
  // Another version may have come in the same second.
  return secondsOf(ifRange) === seconds && now - seconds * 1000 >= 2000;
}

/** Whether a list of entity tags has this one. */
function names(list: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true;
  for (const [tag, weak] of list.matchAll(/(W\/)?"[^"]*"/g)) {
    if (weak === undefined ? tag === etag : comparison === 'weak' && tag.slice(2) === etag) return true;
  }
  return false;
}

/** Of an HTTP date. */
function secondsOf(date: string | undefined): number | undefined {
  const time = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}
