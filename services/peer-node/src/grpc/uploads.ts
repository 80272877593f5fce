import { Readable } from 'node:stream';
import type { ServerReadableStream, sendUnaryData } from '@grpc/grpc-js';
import type { peer as wire } from '@pixtorrent/contracts';
import type { Timers } from '@pixtorrent/core';
import { type ErrorMapper, toServiceError } from '@pixtorrent/service-kit';
import { IngestError } from '../ingest/errors.ts';
import type { Ingestor } from '../ingest/ingestor.ts';
import { takeTar } from '../ingest/tar.ts';
import { publishedMessage } from './peer-messages.ts';
import { dataOf, headerOf } from './peer-requests.ts';

export type UploadCall = ServerReadableStream<wire.UploadRequest, wire.UploadResponse>;

export interface UploadsDependencies {
  readonly ingestor: Pick<Ingestor, 'ingest'>;
  readonly timers: Timers;
  readonly mapError: ErrorMapper;
}

/** Milliseconds without a message while one is waited for. */
const STALL = 60_000;

/**
 * Takes in what a caller sends. A message is read when the one before is on its way to the disk: what waits is bounded by
 * the window of the connection and the few messages that a stream holds.
 */
export async function upload(
  { ingestor, timers, mapError }: UploadsDependencies,
  call: UploadCall,
  answer: sendUnaryData<wire.UploadResponse>,
): Promise<void> {
  const cancelled = new AbortController();
  call.once('cancelled', () => cancelled.abort());
  if (call.cancelled) cancelled.abort();
  const messages = read(call, timers, cancelled);
  try {
    const first = await messages.next();
    const { publication, ...content } = headerOf(first.value ?? undefined);
    const published = await ingestor.ingest(publication, {
      ...content,
      signal: cancelled.signal,
      fill: async (incoming, signal) => {
        // Ends a wait for the next message too.
        signal.addEventListener('abort', () => call.destroy(), { once: true });
        const bytes = dataIn(messages);
        if (content.directory) await takeTar(incoming, Readable.from(bytes, { objectMode: false }), signal);
        else await incoming.file([], bytes);
      },
    });
    answer(null, { published: publishedMessage(published) });
  } catch (error) {
    answer(toServiceError(reasonOf(error, cancelled.signal), mapError));
    // What is still to come is not worth reading.
    call.destroy();
  }
}

async function* read(
  call: UploadCall,
  timers: Timers,
  cancelled: AbortController,
): AsyncGenerator<wire.UploadRequest, void, void> {
  const messages = call[Symbol.asyncIterator]() as AsyncIterator<wire.UploadRequest>;
  for (;;) {
    const late = timers.after(STALL, () => {
      cancelled.abort(new IngestError('interrupted', `nothing came for ${STALL / 1000} s`));
      call.destroy();
    });
    const { value, done } = await messages.next().finally(() => late.cancel());
    if (done) return;
    yield value;
  }
}

async function* dataIn(messages: AsyncIterable<wire.UploadRequest>): AsyncGenerator<Buffer, void, void> {
  for await (const message of messages) yield dataOf(message);
}

function reasonOf(error: unknown, { aborted, reason }: AbortSignal): unknown {
  if (aborted && reason instanceof IngestError) return reason;
  const { code } = error as NodeJS.ErrnoException;
  const cut = aborted || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ABORT_ERR';
  return cut ? new IngestError('interrupted', 'it ended before all had come', { cause: error }) : error;
}
