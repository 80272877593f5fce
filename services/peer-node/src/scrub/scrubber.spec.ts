import { randomBytes } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@pixtorrent/client';
import { peer as wire } from '@pixtorrent/contracts';
import { silentLogger } from '@pixtorrent/core';
import { parseMetainfo } from '@pixtorrent/metainfo';
import { systemTimers, wallClock } from '@pixtorrent/service-kit';
import { afterEach, expect, it } from 'vitest';
import { ServedNode } from '../fixtures/served-node.ts';
import { ScrubRecord } from './scrub-record.ts';
import { Scrubber } from './scrubber.ts';

const SIZE = 300_000;
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function start(env: Record<string, string> = {}): Promise<ServedNode> {
  const node = await ServedNode.start({ env: { PEER_SCRUB_INTERVAL: '1s', ...env } });
  opened.push(() => node.close());
  return node;
}

async function uploaded(node: ServedNode, content: Buffer) {
  const { published } = await node.upload({ name: 'models/a' }, [content]);
  const hash = published!.infoHash.toString('hex');
  return {
    infoHash: published!.infoHash,
    hash,
    path: join(node.dir, 'content', hash, 'a.bin'),
    torrent: parseMetainfo(await readFile(join(node.dir, 'torrents', `${hash}.torrent`))),
  };
}

it('finds a piece that the disk has lost, has it got again from another, and counts it', async () => {
  const node = await start();
  const content = randomBytes(SIZE);
  const { path, torrent, infoHash } = await uploaded(node, content);
  await expect.poll(() => node.metric('scrub_torrents_total'), { timeout: 10_000 }).toBeGreaterThan(0);
  expect(await node.metric('scrub_corrupt_pieces_total')).toBe(0);
  expect(await node.metric('scrub_bytes_total')).toBeGreaterThanOrEqual(SIZE);

  const file = await open(path, 'r+');
  await file.write(Buffer.alloc(10), 0, 10, 100_000);
  await file.close();
  await expect.poll(() => node.metric('scrub_corrupt_pieces_total'), { timeout: 10_000 }).toBe(1);
  const other = await Client.open({ host: '127.0.0.1' });
  opened.push(() => other.close());
  await writeFile(join(node.dir, 'a.bin'), content);
  const seed = await other.seed(torrent, {
    dir: node.dir,
    peers: [{ host: '127.0.0.1', port: node.service.ports.peer }],
  });
  seed.start();
  await expect.poll(async () => (await readFile(path)).equals(content), { timeout: 10_000 }).toBe(true);
  const state = async () => {
    const answer = await node.call(node.client.getTorrent, { infoHash, pieces: false });
    return (answer as wire.GetTorrentResponse).torrent!.state;
  };
  await expect.poll(state).toBe(wire.TorrentState.TORRENT_STATE_SEEDING);
  expect(await node.metric('pieces_total{result="lost"}')).toBe(1);
});

it('reads no faster than is set, and goes on after a restart where it was', async () => {
  const node = await start({ PEER_SCRUB_RATE: '40KiB' });
  const { hash } = await uploaded(node, randomBytes(SIZE));
  const began = performance.now();
  await expect.poll(() => node.metric('scrub_bytes_total'), { timeout: 20_000 }).toBeGreaterThan(60_000);
  const seconds = (performance.now() - began) / 1000;
  expect((await node.metric('scrub_bytes_total')) / (seconds + 1)).toBeLessThan(60_000);
  await node.service.close();
  const { underway } = await ScrubRecord.open(node.dir);
  expect(underway?.infoHash).toBe(hash);
  expect(underway?.piece).toBeGreaterThanOrEqual(3);
});

it.each([
  [0, 0],
  [1, 1],
])('at a rate of %d looks %d times for something to do', async (rate, looks) => {
  let looked = 0;
  const all = () => {
    looked++;
    return [].values();
  };
  const record = await ScrubRecord.open('/nowhere');
  const scrubber = new Scrubber(
    { torrents: { all }, record, timers: systemTimers, wallClock, logger: silentLogger },
    { rate, interval: 1000 },
  );
  await scrubber.close();
  expect(looked).toBe(looks);
});

it('takes a record that cannot be read for none', async () => {
  const node = await start();
  for (const text of [
    '',
    'nothing',
    '{"looked":{"x":1}}',
    '{"looked":{},"underway":{"infoHash":"..","piece":0}}',
  ]) {
    await writeFile(join(node.dir, 'scrub.json'), text);
    const record = await ScrubRecord.open(node.dir);
    expect(record.underway).toBeUndefined();
    expect(record.lookedAt('a'.repeat(40), 5)).toBe(5);
  }
});
