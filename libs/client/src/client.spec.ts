import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { formatMagnet, type Metainfo, parseMagnet, parseMetainfo } from '@pixtorrent/metainfo';
import type { WireName } from '@pixtorrent/peer-protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client } from './client.ts';
import { createTorrent } from './content/create-torrent.ts';
import { verifyContent } from './content/verify-content.ts';
import type { TorrentSession } from './session/torrent-session.ts';

const FILES: Readonly<Record<string, number>> = {
  'weights/layer-0.bin': 700_001,
  'weights/layer-1.bin': 1_300_000,
  'empty.txt': 0,
  'one byte': 1,
  'Größe/文件.bin': 40_000,
};

let folder: string;
const clients: Client[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pix-client-'));
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await rm(folder, { recursive: true, force: true });
});

async function openClient(): Promise<Client> {
  const client = await Client.open({ host: '127.0.0.1' });
  clients.push(client);
  return client;
}

/** Deterministic bytes that no two files share. */
function bytesOf(name: string, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = [...name].reduce((sum, char) => (sum * 31 + char.codePointAt(0)!) | 0, 7) || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** Writes the files below `source/tree` and makes a torrent of them, pieces of 64 KiB. */
async function makeContent(): Promise<Metainfo> {
  for (const [name, length] of Object.entries(FILES)) {
    const path = join(folder, 'source', 'tree', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytesOf(name, length));
  }
  const torrent = await createTorrent(join(folder, 'source', 'tree'), { pieceLength: 65_536 });
  return parseMetainfo(torrent, { fileSystem: 'posix' });
}

async function seed(metainfo: Metainfo): Promise<{ client: Client; session: TorrentSession }> {
  const client = await openClient();
  const session = await client.seed(metainfo, { dir: join(folder, 'source') });
  session.start();
  return { client, session };
}

const at = (client: Client) => [{ host: '127.0.0.1', port: client.port }];

async function expectSame(target: string): Promise<void> {
  for (const [name, length] of Object.entries(FILES)) {
    const got = await readFile(join(target, 'tree', name));
    expect(got.equals(bytesOf(name, length)), name).toBe(true);
  }
}

describe('Client', () => {
  it.each(['pixwire', 'bep3'] satisfies WireName[])(
    'brings a folder from one client to another over %s',
    async (wire) => {
      const metainfo = await makeContent();
      const seeder = await seed(metainfo);
      const leecher = await openClient();
      const target = join(folder, 'target');
      await mkdir(target);
      const session = await leecher.download(metainfo, {
        dir: target,
        peers: at(seeder.client),
        wires: [wire],
      });
      const done = once(session, 'complete');
      const left = once(seeder.session, 'disconnected');
      session.start();
      await done;
      const { downloaded, have, total, pieces } = session.stats();
      expect({ downloaded, have, pieces }).toEqual({
        downloaded: total,
        have: total,
        pieces: metainfo.pieceCount,
      });
      expect(seeder.session.stats().uploaded).toBe(metainfo.length);
      await leecher.close();
      expect(await left).toMatchObject([{ wire, sent: metainfo.length, received: 0 }]);
      await expectSame(target);
    },
  );

  it('goes on where an interrupted download ended', async () => {
    const metainfo = await makeContent();
    const seeder = await seed(metainfo);
    const target = join(folder, 'target');
    await mkdir(target);
    const first = await openClient();
    const interrupted = await first.download(metainfo, {
      dir: target,
      peers: at(seeder.client),
      downloadRate: 2_000_000,
    });
    const some = new Promise<void>((resolve) => {
      const look = () => (interrupted.stats().pieces >= 5 ? resolve() : setImmediate(look));
      look();
    });
    interrupted.start();
    await some;
    await first.close();
    const kept = interrupted.stats().pieces;
    expect(kept).toBeLessThan(metainfo.pieceCount);
    const second = await openClient();
    const session = await second.download(metainfo, { dir: target, peers: at(seeder.client) });
    // Pieces that were being written when the client closed are kept too.
    expect(session.stats().pieces).toBeGreaterThanOrEqual(kept);
    const done = once(session, 'complete');
    session.start();
    await done;
    expect(session.stats().downloaded).toBeLessThan(metainfo.length);
    await second.close();
    await expectSame(target);
  });

  it('gets only the selected files, and says when they are whole', async () => {
    const metainfo = await makeContent();
    const seeder = await seed(metainfo);
    const leecher = await openClient();
    const target = join(folder, 'target');
    await mkdir(target);
    const wanted = metainfo.files.findIndex((file) => file.path.at(-1) === 'layer-0.bin');
    const session = await leecher.download(metainfo, {
      dir: target,
      peers: at(seeder.client),
      selected: new Set([wanted]),
    });
    const done = once(session, 'complete');
    session.start();
    await done;
    await leecher.close();
    const got = await readFile(join(target, 'tree', 'weights', 'layer-0.bin'));
    expect(got.equals(bytesOf('weights/layer-0.bin', FILES['weights/layer-0.bin']!))).toBe(true);
    await expect(readFile(join(target, 'tree', 'weights', 'layer-1.bin'))).rejects.toThrow('ENOENT');
  });

  it('fetches the metadata of a magnet link from a peer', async () => {
    const metainfo = await makeContent();
    const seeder = await seed(metainfo);
    const leecher = await openClient();
    const magnet = parseMagnet(
      formatMagnet({ ...parseMagnet(`magnet:?xt=urn:btih:${hex(metainfo)}`), peers: at(seeder.client) }),
    );
    const fetched = await leecher.fetchMetadata(magnet, { timeout: 10_000 });
    expect(Buffer.from(fetched.infoBytes).equals(metainfo.infoBytes)).toBe(true);
    expect(fetched.files).toEqual(metainfo.files);
  });

  it('asks again a peer that was not there yet', async () => {
    const metainfo = await makeContent();
    const placeholder = await openClient();
    const { port } = placeholder;
    const leecher = await openClient();
    const magnet = parseMagnet(`magnet:?xt=urn:btih:${hex(metainfo)}&x.pe=127.0.0.1:${port}`);
    const fetching = leecher.fetchMetadata(magnet, { timeout: 20_000 });
    const session = await placeholder.seed(metainfo, { dir: join(folder, 'source') });
    session.start();
    expect((await fetching).name).toBe('tree');
  });

  it('says so when nobody gives the metadata in time', async () => {
    const leecher = await openClient();
    const magnet = parseMagnet(`magnet:?xt=urn:btih:${'ab'.repeat(20)}`);
    await expect(leecher.fetchMetadata(magnet, { timeout: 100 })).rejects.toMatchObject({
      code: 'no-metadata',
    });
  });

  it('offers a piece no longer that the disk has lost, and gives the others', async () => {
    const metainfo = await makeContent();
    const seeder = await seed(metainfo);
    await truncate(join(folder, 'source', 'tree', 'weights', 'layer-1.bin'), 1000);
    const lost = once(seeder.session, 'lost');
    const leecher = await openClient();
    const target = join(folder, 'target');
    await mkdir(target);
    const session = await leecher.download(metainfo, { dir: target, peers: at(seeder.client) });
    session.start();
    const [, error] = await lost;
    expect(error).toMatchObject({ code: 'truncated' });
    const readable = (await verifyContent(metainfo, join(folder, 'source'))).pieces.count;
    await new Promise<void>((resolve) => {
      const look = () => (session.stats().pieces === readable ? resolve() : setImmediate(look));
      look();
    });
    expect(readable).toBeGreaterThan(5);
  });

  it('deletes the files of a torrent that is removed with its data, and nothing else', async () => {
    const metainfo = await makeContent();
    const client = await openClient();
    const target = join(folder, 'target');
    const session = await client.download(metainfo, { dir: target });
    await writeFile(join(target, 'tree', 'weights', 'mine'), '');
    await client.remove(session, { deleteData: true });
    expect(await readdir(target, { recursive: true })).toEqual(['tree', 'tree/weights', 'tree/weights/mine']);
    await expect(client.download(metainfo, { dir: target })).resolves.toBeDefined();
  });

  it('takes and gives what is there already by one call, whole or in part', async () => {
    const metainfo = await makeContent();
    const client = await openClient();
    const session = await client.download(metainfo, { dir: join(folder, 'source') });
    const complete = once(session, 'complete');
    session.start();
    await complete;
    const leecher = await openClient();
    const other = await leecher.download(metainfo, { dir: join(folder, 'target'), peers: at(client) });
    const done = once(other, 'complete');
    other.start();
    await done;
  });

  it('refuses to open a torrent twice, and to seed what is not there', async () => {
    const metainfo = await makeContent();
    const { client } = await seed(metainfo);
    await expect(client.seed(metainfo, { dir: join(folder, 'source') })).rejects.toMatchObject({
      code: 'already-open',
    });
    const other = await openClient();
    await expect(other.seed(metainfo, { dir: folder })).rejects.toMatchObject({ code: 'nothing-to-seed' });
  });
});

function hex(metainfo: Metainfo): string {
  return Buffer.from(metainfo.infoHash).toString('hex');
}
