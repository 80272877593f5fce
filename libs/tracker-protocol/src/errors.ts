import { PixError } from '@pixtorrent/core';

/**
 * - `timeout`: no answer within the time given
 * - `unreachable`: no such host, or the connection failed
 * - `refused`: the tracker said no; the message is its reason
 * - `malformed`: what came is no valid request or answer
 * - `too-large`: the answer is longer than its limit
 * - `unsupported`: not a kind of URL that can be asked
 * - `cancelled`: the caller took the request back
 */
export type TrackerErrorCode =
  | 'timeout'
  | 'unreachable'
  | 'refused'
  | 'malformed'
  | 'too-large'
  | 'unsupported'
  | 'cancelled';

/** Why an announce or a scrape failed, on either side. The message is printable. */
export class TrackerError extends PixError<TrackerErrorCode> {}
