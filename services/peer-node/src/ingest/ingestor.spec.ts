import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '@pixtorrent/core';
import { StatusError } from '@pixtorrent/service-kit';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ReplicatingNode, type ReplicatingOptions, smallContent } from '../fixtures/replicating-node.ts';
import { IngestError } from './errors.ts';
import { type Incoming, Ingestor, type Publication } from './ingestor.ts';

const SOON = { timeout: 8000, interval: 10 };
const SIZE = 40_000;
const MIB = 2 ** 20;
const content = smallContent('a', SIZE);
const opened: ReplicatingNode[] = [];

afterEach(async () => {
  for (const node of opened.splice(0)) await node.close();
});

async function open(options?: ReplicatingOptions) {
  const node = await ReplicatingNode.open(options);
  opened.push(node);
  const { folder, torrents, entries, catalogue, replicator } = node;
  const parts = { folder, torrents, entries, catalogue, replicator, logger: silentLogger };
  const ingestor = new Ingestor(parts, { maxSize: 100 * MIB, announce: [] });
  return { node, ingestor };
}

function publication(of: Partial<Publication> = {}): Publication {
  return { name: 'models/a', replicas: 'all', labels: {}, pieceLength: 16_384, ...of };
}

/** The bytes of a content, as they come from somewhere. */
function incoming(bytes: Buffer = content.bytes, of: Partial<Incoming> = {}): Incoming {
  return {
    name: 'a',
    directory: false,
    size: bytes.length,
    signal: new AbortController().signal,
    fill: (into) => into.file([], chunks(bytes)),
    ...of,
  };
}

async function* chunks(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
}

/** What is still being taken in, as far as the disk shows. */
function leftOvers({ dir }: ReplicatingNode): Promise<string[]> {
  return readdir(join(dir, 'ingest'));
}

function bytesOf({ dir }: ReplicatingNode, hex = content.hex): Promise<Buffer> {
  return readFile(join(dir, 'content', hex, 'a'));
}

describe('taking content in', () => {
  it('publishes it and seeds it, and is done', async () => {
    const { node, ingestor } = await open();
    const { entry, unchanged } = await ingestor.ingest(publication(), incoming());
    expect(entry).toMatchObject({ name: 'models/a', version: 1, size: SIZE });
    expect(unchanged).toBe(false);
    const { infoHash } = entry;
    await vi.waitFor(() => expect(node.torrents.get(infoHash)?.condition.type).toBe('seeding'), SOON);
    expect(node.torrents.get(infoHash)?.pinned).toBe(false);
    expect([...node.entries.live()]).toHaveLength(1);
    expect(await bytesOf(node)).toEqual(content.bytes);
    expect(await leftOvers(node)).toEqual([]);
  });

  it('makes one version of the same that comes several times at once, under one name or two', async () => {
    const { node, ingestor } = await open();
    const all = await Promise.all(
      ['models/a', 'models/a', 'models/b'].map((name) => ingestor.ingest(publication({ name }), incoming())),
    );
    expect(all.map(({ entry }) => entry.version)).toEqual([1, 1, 1]);
    expect([...node.tracker.entries.keys()].sort()).toEqual(['models/a@1', 'models/b@1']);
    expect(node.names).toEqual(['a']);
    const kept = { pinned: false, condition: { type: 'seeding' } };
    await vi.waitFor(() => expect(node.torrents.get(content.metainfo.infoHash)).toMatchObject(kept), SOON);
    expect(await bytesOf(node)).toEqual(content.bytes);
    expect(await leftOvers(node)).toEqual([]);
    const again = await ingestor.ingest(publication(), incoming());
    expect([again.entry.version, again.unchanged]).toEqual([1, true]);
  });

  it('takes a folder for the same, whatever it is called where it comes from', async () => {
    const { ingestor } = await open();
    const fill: Incoming['fill'] = (into) => into.file(['b', 'c'], chunks(content.bytes));
    const bring = (name: string) =>
      ingestor.ingest(publication(), incoming(content.bytes, { name, directory: true, fill }));
    const { entry } = await bring('dist');
    expect(await bring('a')).toMatchObject({ entry: { infoHash: entry.infoHash }, unchanged: true });
  });

  it('makes whole what was here in parts, and nobody gave', async () => {
    const { node, ingestor } = await open();
    await node.torrents.add(content.torrent, content.metainfo, { pinned: false });
    const condition = () => node.torrents.get(content.metainfo.infoHash)?.condition.type;
    await vi.waitFor(() => expect(condition()).toBe('downloading'), SOON);
    await ingestor.ingest(publication(), incoming());
    await vi.waitFor(() => expect(condition()).toBe('seeding'), SOON);
    expect(await bytesOf(node)).toEqual(content.bytes);
  });

  it.each([
    ['ends early', undefined, { code: 'interrupted' }],
    ['breaks', new Error('gone'), { message: 'gone' }],
  ] as const)('leaves nothing of what %s', async (_, failure, expected) => {
    const { node, ingestor } = await open();
    const half = async function* () {
      yield content.bytes.subarray(0, SIZE / 2);
      if (failure !== undefined) throw failure;
    };
    const broken = incoming(content.bytes, { fill: (into) => into.file([], half()) });
    await expect(ingestor.ingest(publication(), broken)).rejects.toMatchObject(expected);
    expect(await leftOvers(node)).toEqual([]);
    expect(node.names).toEqual([]);
    expect(node.tracker.entries.size).toBe(0);
    expect(ingestor.figures).toMatchObject({ underway: 0, failed: 1, received: SIZE / 2 });
    await ingestor.ingest(publication(), incoming());
    expect(await bytesOf(node)).toEqual(content.bytes);
  });

  it('breaks off what is under way when the node is about to leave', async () => {
    const { node, ingestor } = await open();
    const begun = Promise.withResolvers<void>();
    const endless = incoming(content.bytes, {
      fill: async (into, signal) => {
        const never = Promise.withResolvers<never>();
        signal.addEventListener('abort', () => never.reject(signal.reason));
        const bytes = async function* () {
          yield content.bytes;
          begun.resolve();
          await never.promise;
        };
        await into.file([], bytes());
      },
    });
    const ingest = ingestor.ingest(publication(), endless);
    ingest.catch(() => {});
    await begun.promise;
    await ingestor.close();
    await expect(ingest).rejects.toMatchObject({ code: 'draining' });
    await expect(ingestor.ingest(publication(), incoming())).rejects.toMatchObject({ code: 'draining' });
    expect(await leftOvers(node)).toEqual([]);
  });
});

describe('room for what comes', () => {
  const endless = async function* () {
    for (;;) yield Buffer.alloc(MIB / 2);
  };

  it('is needed first where the size is known, also for several at once', async () => {
    const { node, ingestor } = await open({ budget: 2.5 * SIZE });
    const of = (fill: string) => incoming(Buffer.alloc(SIZE, fill));
    const all = await Promise.allSettled(
      ['x', 'y', 'z'].map((fill) => ingestor.ingest(publication({ name: fill }), of(fill))),
    );
    const reasons = all.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(reasons).toEqual([expect.any(IngestError)]);
    expect(reasons[0].code).toBe('no-room');
    expect(node.torrents.size).toBe(2);
    // What was kept free for it is free again.
    await node.torrents.remove([...node.torrents.all()][0]!.metainfo.infoHash);
    node.tracker.lose();
    await ingestor.ingest(publication({ name: 'w' }), of('w'));
  });

  it('ends what does not end, and leaves nothing of it', async () => {
    const { node, ingestor } = await open({ budget: 20 * MIB });
    const { size: _, ...unsized } = incoming(content.bytes, { fill: (into) => into.file([], endless()) });
    await expect(ingestor.ingest(publication(), unsized)).rejects.toMatchObject({ code: 'no-room' });
    expect(ingestor.figures.received).toBeLessThanOrEqual(21 * MIB);
    expect(await leftOvers(node)).toEqual([]);
    expect(await node.replicator.makeRoom(20 * MIB)).toBe(true);
  });
});

describe('a catalogue that does not take it', () => {
  it('is asked again by doing the same again, where it was away', async () => {
    const { node, ingestor } = await open();
    node.tracker.refusal = new StatusError('UNAVAILABLE', 'away');
    await expect(ingestor.ingest(publication(), incoming())).rejects.toMatchObject({ code: 'catalogue' });
    const { infoHash } = content.metainfo;
    expect(node.torrents.get(infoHash)?.pinned).toBe(true);
    node.tracker.refusal = undefined;
    const { entry, unchanged } = await ingestor.ingest(publication(), incoming());
    expect([entry.version, unchanged]).toEqual([1, false]);
    await vi.waitFor(() => expect(node.torrents.get(infoHash)?.condition.type).toBe('seeding'), SOON);
    expect(node.torrents.get(infoHash)?.pinned).toBe(false);
  });

  it('leaves nothing of it where it refuses', async () => {
    const { node, ingestor } = await open();
    node.tracker.refusal = new StatusError('INVALID_ARGUMENT', 'no such name');
    await expect(ingestor.ingest(publication(), incoming())).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('no such name'),
    });
    expect(node.names).toEqual([]);
    expect(await readdir(join(node.dir, 'content'))).toEqual([]);
  });
});
