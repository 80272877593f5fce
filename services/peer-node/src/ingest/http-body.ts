import type { IncomingMessage } from 'node:http';
import type { Timers } from '@pixtorrent/core';
import { IngestError } from './errors.ts';

export interface BodyOptions {
  /** Milliseconds for which nothing may come while something is waited for. */
  readonly idle: number;
  readonly timers: Timers;
  readonly signal: AbortSignal;
}

/**
 * The body of a request as it comes, no faster than it is taken. The connection outlives it, so that the client can be
 * told why no more is taken.
 * @throws IngestError `interrupted` where nothing comes for long, or the client is gone; the reason of the signal
 */
export async function* bodyOf(
  request: IncomingMessage,
  { idle, timers, signal }: BodyOptions,
): AsyncGenerator<Buffer, void, void> {
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  const cut = Promise.withResolvers<never>();
  cut.promise.catch(() => {});
  const stop = (): void => cut.reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const late = timers.after(idle, () =>
        cut.reject(new IngestError('interrupted', `nothing came for ${idle / 1000} s`)),
      );
      const coming = chunks.next();
      // Where it is waited for no more.
      coming.catch(() => {});
      const { value, done } = await Promise.race([coming, cut.promise]).finally(() => late.cancel());
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw isGone(error)
      ? new IngestError('interrupted', 'it ended before all had come', { cause: error })
      : error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}
