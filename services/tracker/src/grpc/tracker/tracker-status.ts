import { unreachable } from '@pixtorrent/core';
import { StatusError } from '@pixtorrent/service-kit';
import { PeerStoreError, RefusedError } from '@pixtorrent/tracker';

/** Milliseconds after which a store that is away is worth asking again. */
const STORE_PAUSE = 1000;

/** How a call ends where the tracker does not answer what it understood; undefined where `error` says nothing of that. */
export function statusOf(error: unknown): StatusError | undefined {
  if (error instanceof RefusedError) return refusal(error);
  if (!(error instanceof PeerStoreError)) return undefined;
  switch (error.code) {
    case 'full':
      return new StatusError('RESOURCE_EXHAUSTED', error.message);
    case 'store-unavailable':
      return new StatusError('UNAVAILABLE', error.message, { retryAfter: STORE_PAUSE });
    default:
      return unreachable(error.code);
  }
}

function refusal({ code, message, retryAfter }: RefusedError): StatusError {
  switch (code) {
    case 'not-served':
    case 'wrong-key':
      return new StatusError('PERMISSION_DENIED', message);
    case 'too-often':
      return new StatusError(
        'RESOURCE_EXHAUSTED',
        message,
        retryAfter > 0 ? { retryAfter: retryAfter * 1000 } : {},
      );
    default:
      return unreachable(code);
  }
}
