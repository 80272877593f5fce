import { StorageError } from '@pixtorrent/node-io';
import type { Problem } from '@pixtorrent/service-kit';
import { IngestError, type IngestErrorCode } from './errors.ts';
import { PutError } from './http-request.ts';

const PUT_STATUSES: Readonly<Record<PutError['code'], number>> = {
  'bad-request': 400,
  'length-required': 411,
  'media-type': 415,
};

const STATUSES: Readonly<Record<IngestErrorCode, number>> = {
  invalid: 422,
  'too-large': 413,
  'no-room': 507,
  busy: 503,
  draining: 503,
  refused: 422,
  source: 502,
  interrupted: 408,
  catalogue: 503,
};

/** Codes after which the same may well be done again, with the seconds to leave before. */
const RETRY_AFTER: Readonly<Partial<Record<IngestErrorCode, string>>> = { busy: '5', catalogue: '5' };

/** @returns undefined for a fault of this program */
export function putProblem(error: unknown): Problem | undefined {
  if (error instanceof PutError) return problem(error.code, PUT_STATUSES[error.code], error.message);
  if (error instanceof IngestError) {
    const later = RETRY_AFTER[error.code];
    return {
      ...problem(error.code, STATUSES[error.code], error.message),
      ...(later !== undefined && { headers: { 'retry-after': later } }),
    };
  }
  const { code } = error as { readonly code?: unknown };
  if (code === 'ENOSPC' || code === 'EDQUOT' || (error instanceof StorageError && code === 'disk-full'))
    return problem('no-room', 507, 'the disk of this node is full');
  return undefined;
}

function problem(code: string, status: number, detail: string): Problem {
  return { status, type: `urn:pixtorrent:ingest:${code}`, detail };
}
