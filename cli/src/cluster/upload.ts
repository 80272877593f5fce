import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ClientWritableStream, ServiceError } from '@grpc/grpc-js';
import type { peer } from '@pixtorrent/contracts';
import { type ContentListing, listContent } from '@pixtorrent/node-io';
import { pack } from 'tar-stream';
import { interrupted } from '../interrupt.ts';
import { failureOf, type Services } from './services.ts';

const READ = 512 * 1024;

/** A file or folder of this machine, on its way to a node. */
export interface LocalContent {
  readonly path: string;
  readonly listing: ContentListing;
  /** Bytes. */
  readonly size: number;
}

/** @throws StorageError for what cannot become a torrent */
export async function openLocal(path: string): Promise<LocalContent> {
  const listing = await listContent(path);
  const { content } = listing;
  const size = typeof content === 'number' ? content : content.reduce((sum, { length }) => sum + length, 0);
  return { path, listing, size };
}

/**
 * Sends content to a node, which takes it in and publishes it.
 * @param onProgress told the bytes that have been handed on
 * @throws CliError; the system's error where a file cannot be read
 */
export async function upload(
  services: Services,
  node: { readonly name: string; readonly grpcAddress: string },
  publication: peer.Publication,
  { path, listing, size }: LocalContent,
  onProgress: (done: number) => void,
): Promise<peer.Published> {
  const { promise, resolve, reject } = Promise.withResolvers<peer.Published>();
  const answered = new AbortController();
  const client = await services.node(node.grpcAddress);
  const call: Call = client.upload(services.authorization(), (error: ServiceError | null, response) => {
    if (error) reject(failureOf(error, `node ${node.name} at ${node.grpcAddress}`));
    else resolve(response!.published!);
    answered.abort();
  });
  promise.catch(() => {});
  const cancel = (): void => call.cancel();
  interrupted.addEventListener('abort', cancel, { once: true });
  const { name, content } = listing;
  const single = typeof content === 'number';
  try {
    const header: peer.UploadHeader = {
      publication,
      content: single ? { $case: 'file', file: name } : { $case: 'directory', directory: name },
      size,
    };
    await send(call, { part: { $case: 'header', header } }, answered.signal);
    const bytes = single ? createReadStream(path, { highWaterMark: READ }) : archive(path, content);
    let done = 0;
    for await (const data of bytes as AsyncIterable<Buffer>) {
      // The node has answered before all was sent: it refuses.
      if (answered.signal.aborted) break;
      await send(call, { part: { $case: 'data', data } }, answered.signal);
      done += data.length;
      onProgress(Math.min(done, size));
    }
    call.end();
    return await promise;
  } catch (error) {
    call.cancel();
    throw interrupted.aborted ? interrupted.reason : error;
  } finally {
    interrupted.removeEventListener('abort', cancel);
  }
}

type Call = ClientWritableStream<peer.UploadRequest>;

/** Fulfilled when there is room for more, or when more is in vain. */
async function send(call: Call, message: peer.UploadRequest, answered: AbortSignal): Promise<void> {
  if (call.write(message) || answered.aborted) return;
  await once(call, 'drain', { signal: answered }).catch(() => {});
}

/** A tar archive of the files in the order in which they are listed, which is that of the torrent. */
function archive(path: string, files: Exclude<ContentListing['content'], number>): Readable {
  const made = pack();
  const fill = async (): Promise<void> => {
    for (const { path: inside, length, executable } of files) {
      const entry = made.entry({ name: inside.join('/'), size: length, mode: executable ? 0o755 : 0o644 });
      // What breaks off the archive breaks off its files, and is told by the archive.
      entry.on('error', () => {});
      for await (const chunk of createReadStream(join(path, ...inside), { highWaterMark: READ }))
        if (!entry.write(chunk)) await once(entry as unknown as NodeJS.EventEmitter, 'drain');
      entry.end(null);
      await once(entry as unknown as NodeJS.EventEmitter, 'close');
    }
    made.finalize();
  };
  fill().catch((error) => made.destroy(error));
  return Readable.from(made as unknown as AsyncIterable<Buffer>);
}
