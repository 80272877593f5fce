import { Readable } from 'node:stream';
import { status } from '@grpc/grpc-js';
import type { peer as wire } from '@pixtorrent/contracts';
import { infoHash, type Timers } from '@pixtorrent/core';
import { expect, it } from 'vitest';
import type { IncomingContent } from '../ingest/incoming-content.ts';
import type { Incoming } from '../ingest/ingestor.ts';
import { statusOf } from './peer-messages.ts';
import { type UploadCall, upload } from './uploads.ts';

const HEADER: wire.UploadRequest = {
  part: {
    $case: 'header',
    header: {
      publication: { name: 'a', replicas: 0, labels: {}, pieceLength: 0 },
      content: { $case: 'file', file: 'a.bin' },
      size: 0,
    },
  },
};
const PUBLISHED = {
  entry: {
    name: 'a',
    version: 1,
    infoHash: infoHash(Buffer.alloc(20)),
    size: 1,
    replicas: 'all' as const,
    labels: {},
    published: 1,
  },
  unchanged: false,
};

/** A call whose messages are made when they are read, an upload of it, and the timers that run. */
function start(
  messages: (count: number) => wire.UploadRequest | null | undefined,
  take: (bytes: AsyncIterable<Uint8Array>) => Promise<void>,
) {
  const seen = { read: 0 };
  const stream = new Readable({
    objectMode: true,
    read() {
      const next = messages(seen.read);
      if (next === undefined) return;
      seen.read++;
      this.push(next);
    },
  });
  const running = new Set<() => void>();
  const timers: Timers = {
    after(_, run) {
      running.add(run);
      return { cancel: () => running.delete(run) };
    },
  };
  const ingestor = {
    async ingest(_: unknown, { fill, signal }: Incoming) {
      await fill(
        { file: (__: unknown, bytes: AsyncIterable<Uint8Array>) => take(bytes) } as IncomingContent,
        signal,
      );
      return PUBLISHED;
    },
  };
  const call = Object.assign(stream, { cancelled: false }) as unknown as UploadCall;
  const answered = new Promise<{
    code?: number;
    details?: string;
    response?: wire.UploadResponse | null | undefined;
  }>((resolve) => {
    void upload({ ingestor, timers, mapError: statusOf }, call, (error, response) =>
      resolve(error === null ? { response } : (error as { code: number; details: string })),
    );
  });
  return { answered, running, seen, stream };
}

async function drained(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of bytes);
}

function data(count: number): wire.UploadRequest | null {
  if (count === 0) return HEADER;
  return count > 1000 ? null : { part: { $case: 'data', data: Buffer.alloc(10) } };
}

it('reads no more than a few messages ahead of the disk', async () => {
  const { promise: disk, resolve: ready } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begins } = Promise.withResolvers<void>();
  const { answered, seen } = start(data, async (bytes) => {
    begins();
    await disk;
    await drained(bytes);
  });
  await begun;
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(seen.read).toBeLessThan(20);
  ready();
  expect((await answered).response?.published).toMatchObject({ name: 'a', version: 1 });
  expect(seen.read).toBe(1002);
});

it('gives up where nothing comes any more', async () => {
  const { answered, running, stream } = start((count) => (count < 3 ? data(count) : undefined), drained);
  await expect.poll(() => running.size).toBe(1);
  await new Promise((resolve) => setImmediate(resolve));
  for (const run of running) run();
  expect(await answered).toMatchObject({ code: status.ABORTED, details: 'nothing came for 60 s' });
  expect(stream.destroyed).toBe(true);
});

it('waits for the disk as long as that takes', async () => {
  const { promise: disk, resolve: ready } = Promise.withResolvers<void>();
  const { answered, running } = start(data, async (bytes) => {
    for await (const _ of bytes) await disk;
  });
  await expect.poll(() => running.size).toBe(0);
  ready();
  expect((await answered).response).toBeTruthy();
});
