import { ClientError } from '@pixtorrent/client';
import { PixError } from '@pixtorrent/core';
import { StorageError } from '@pixtorrent/node-io';
import type { Problem } from '@pixtorrent/service-kit';

export type GatewayErrorCode =
  /** There is no such name, version or path. */
  | 'unknown'
  /** A condition of the request does not hold. */
  | 'changed'
  /** The ranges that were asked for cannot be given. */
  | 'ranges'
  /** It is not here, and there is no room for it. */
  | 'no-room'
  /** It cannot be had now, and perhaps later. */
  | 'unavailable'
  /** Nobody gave it in time. */
  | 'stalled';

/** Why content is not given. */
export class GatewayError extends PixError<GatewayErrorCode> {}

/** Ranges that cannot be given, of something that has `length` bytes. */
export class RangesError extends GatewayError {
  readonly length: number;

  constructor(reason: string, length: number) {
    super('ranges', reason);
    this.length = length;
  }
}

const STATUSES: Readonly<Record<GatewayErrorCode, number>> = {
  unknown: 404,
  changed: 412,
  ranges: 416,
  'no-room': 507,
  unavailable: 503,
  stalled: 504,
};

/** Seconds after which it is worth to ask again. */
const RETRY_AFTER = '5';

/** @returns undefined for a fault of this program */
export function gatewayProblem(error: unknown): Problem | undefined {
  if (error instanceof RangesError)
    return { ...problem('ranges', error.message), headers: { 'content-range': `bytes */${error.length}` } };
  if (error instanceof GatewayError) return problem(error.code, error.message);
  if (error instanceof ClientError)
    return error.code === 'stalled'
      ? problem('stalled', 'nobody who has it gave it in time')
      : problem('unavailable', error.message);
  if (error instanceof StorageError)
    return error.code === 'disk-full'
      ? problem('no-room', 'the disk is full')
      : problem('unavailable', 'the disk does not give it');
  return undefined;
}

function problem(code: GatewayErrorCode, detail: string): Problem {
  const later = code === 'unavailable' || code === 'stalled';
  const problem = { status: STATUSES[code], type: `urn:pixtorrent:content:${code}`, detail };
  return later ? { ...problem, headers: { 'retry-after': RETRY_AFTER } } : problem;
}
