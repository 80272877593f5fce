import type { OutgoingHttpHeaders } from 'node:http';
import { toHex } from '@pixtorrent/core';
import mime from 'mime';
import type { KnownEntry } from '../content/entry-record.ts';
import type { Validators } from './conditions.ts';
import type { TreeFile } from './content-tree.ts';

/** Seconds: a year, for what never changes. */
const FOR_EVER = 31_536_000;
/** What browsers would run with the rights of this server. */
const ACTIVE = /^(?:text\/html|application\/xhtml\+xml|image\/svg\+xml|text\/xml|application\/xml)/;

export function contentTypeOf(file: string): string {
  const type = mime.getType(file) ?? 'application/octet-stream';
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type;
}

/** Strong: an info hash stands for the bytes of all its files. */
export function validatorsOf(entry: KnownEntry, file: TreeFile): Validators {
  return { etag: `"${toHex(entry.infoHash)}-${file.index}"`, modified: entry.published };
}

/** What of an answer's headers is the same for all of a file and parts of it. */
export function fileHeaders(
  validators: Validators,
  contentType: string,
  fixed: boolean,
): OutgoingHttpHeaders {
  return {
    'accept-ranges': 'bytes',
    etag: validators.etag,
    'last-modified': new Date(validators.modified).toUTCString(),
    ...cacheHeaders(fixed),
    'x-content-type-options': 'nosniff',
    ...(ACTIVE.test(contentType) && { 'content-security-policy': 'sandbox' }),
  };
}

/** @param fixed it was asked for by its version */
export function cacheHeaders(fixed: boolean): OutgoingHttpHeaders {
  return { 'cache-control': fixed ? `public, max-age=${FOR_EVER}, immutable` : 'no-cache' };
}
