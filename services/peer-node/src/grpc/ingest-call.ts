import type { ServerWritableStream } from '@grpc/grpc-js';
import type { peer as wire } from '@pixtorrent/contracts';
import type { Timers } from '@pixtorrent/core';
import { type ErrorMapper, toServiceError } from '@pixtorrent/service-kit';
import type { AllowedHosts } from '../ingest/addresses.ts';
import { IngestError } from '../ingest/errors.ts';
import type { Incoming, Ingestor } from '../ingest/ingestor.ts';
import { openPath } from '../ingest/local-path.ts';
import { openUrl } from '../ingest/url-source.ts';
import { publishedMessage } from './peer-messages.ts';
import { placeOf, publicationOf } from './peer-requests.ts';

export type IngestCall = ServerWritableStream<wire.IngestRequest, wire.IngestResponse>;

export interface IngestCallDependencies {
  readonly ingestor: Ingestor;
  readonly allowed: AllowedHosts;
  /** Folder that content may be taken in from. */
  readonly folder: string | undefined;
  readonly timers: Timers;
  readonly mapError: ErrorMapper;
}

type Source = Pick<Incoming, 'name' | 'directory' | 'size' | 'fill'> & { close?(): Promise<void> };

/** Milliseconds between two words on how it gets on. */
const PERIOD = 250;

/** Takes in what the node can reach by itself, and tells how that gets on. */
export async function ingest(dependencies: IngestCallDependencies, call: IngestCall): Promise<void> {
  const { ingestor, timers, mapError } = dependencies;
  const cancelled = new AbortController();
  call.once('cancelled', () => cancelled.abort());
  if (call.cancelled) cancelled.abort();
  const { signal } = cancelled;
  let done = 0;
  let told = -1;
  let timer: { cancel(): void } | undefined;
  let source: Source | undefined;
  const tell = (size: number): void => {
    timer = timers.after(PERIOD, () => tell(size));
    // Who does not read is told later: the last word counts.
    if (done === told || call.writableNeedDrain) return;
    told = done;
    call.write({ event: { $case: 'progress', progress: { done, size } } });
  };
  try {
    const publication = publicationOf(call.request.publication);
    source = await sourceOf(dependencies, call.request, signal);
    tell(source.size ?? 0);
    const published = await ingestor.ingest(publication, {
      ...source,
      signal,
      onProgress: (bytes) => {
        done = bytes;
      },
    });
    call.write({ event: { $case: 'published', published: publishedMessage(published) } });
    call.end();
  } catch (error) {
    call.emit('error', toServiceError(signal.aborted ? broken(error) : error, mapError));
  } finally {
    timer?.cancel();
    await source?.close?.();
  }
}

async function sourceOf(
  { allowed, folder }: IngestCallDependencies,
  request: wire.IngestRequest,
  signal: AbortSignal,
): Promise<Source> {
  const place = placeOf(request);
  if (place.$case === 'path') {
    if (folder === undefined)
      throw new IngestError('refused', 'this node has no folder to take content from');
    return openPath(folder, place.path);
  }
  const file = await openUrl(place.url, signal, { allowed });
  return {
    name: file.name,
    directory: false,
    ...(file.size !== undefined && { size: file.size }),
    fill: (incoming, until) => incoming.file([], file.bytes(until)),
    close: () => file.close(),
  };
}

function broken(cause: unknown): IngestError {
  return new IngestError('interrupted', 'nobody waits for it any more', { cause });
}
