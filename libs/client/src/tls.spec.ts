import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Metainfo, parseMetainfo } from '@pixtorrent/metainfo';
import type { TlsOptions } from '@pixtorrent/node-io';
import type { WireName } from '@pixtorrent/peer-protocol';
import { TestAuthority } from '@pixtorrent/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Client } from './client.ts';
import { createTorrent } from './content/create-torrent.ts';

const HOST = '127.0.0.1';
const CONTENT = Buffer.alloc(3_000_001, 'what nobody between is to read ');
const authority = new TestAuthority();

let folder: string;
const opened: { close(): unknown }[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pix-tls-'));
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((thing) => thing.close()));
  await rm(folder, { recursive: true, force: true });
});

async function openClient(tls?: TlsOptions): Promise<Client> {
  const client = await Client.open({ host: HOST, ...(tls && { tls }) });
  opened.push(client);
  return client;
}

/** As a node of the cluster has it: a certificate of its own, by the authority of all. */
function required(): TlsOptions {
  const certificates = { ...authority.issue(), ca: authority.certificate };
  return { policy: 'require', identity: { certificates: () => certificates } };
}

/** Passes connections on to a port, and keeps what both sides said. */
async function wiretap(port: number): Promise<{ port: number; asked: Buffer[]; answered: Buffer[] }> {
  const asked: Buffer[] = [];
  const answered: Buffer[] = [];
  const server = createServer((from) => {
    const to = connect(port, HOST);
    from.on('data', (bytes: Buffer) => asked.push(bytes));
    to.on('data', (bytes: Buffer) => answered.push(bytes));
    from.on('error', () => to.destroy()).pipe(to);
    to.on('error', () => from.destroy()).pipe(from);
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  opened.push(server);
  return { port: (server.address() as AddressInfo).port, asked, answered };
}

async function made(): Promise<Metainfo> {
  await mkdir(join(folder, 'source'));
  await writeFile(join(folder, 'source', 'secret.bin'), CONTENT);
  return parseMetainfo(await createTorrent(join(folder, 'source', 'secret.bin'), { pieceLength: 65_536 }), {
    fileSystem: 'posix',
  });
}

it.each<WireName>(['pixwire', 'bep3'])(
  'two clients that require TLS bring a file over %s, and nobody between reads it',
  async (wire) => {
    const metainfo = await made();
    const seeder = await openClient(required());
    const seeding = await seeder.seed(metainfo, { dir: join(folder, 'source') });
    const leecher = await openClient(required());
    const target = join(folder, 'target');
    await mkdir(target);
    const tap = await wiretap(seeder.port);
    const session = await leecher.download(metainfo, {
      dir: target,
      wires: [wire],
      peers: [{ host: HOST, port: tap.port }],
    });
    const done = once(session, 'complete');
    seeding.start();
    session.start();
    await done;
    await leecher.close();
    expect((await readFile(join(target, 'secret.bin'))).equals(CONTENT)).toBe(true);
    const asked = Buffer.concat(tap.asked);
    const answered = Buffer.concat(tap.answered);
    expect([asked[0], asked.includes(Buffer.from(metainfo.infoHash))]).toEqual([0x16, false]);
    expect([answered.length > CONTENT.length, answered.includes('what nobody between')]).toEqual([
      true,
      false,
    ]);
    expect(seeder.refused).toEqual({ plain: 0, tls: 0 });
  },
);

it('a client without TLS gets nothing from one that requires it', async () => {
  const metainfo = await made();
  const seeder = await openClient(required());
  const seeding = await seeder.seed(metainfo, { dir: join(folder, 'source') });
  seeding.start();
  const plain = await openClient();
  const target = join(folder, 'target');
  await mkdir(target);
  const session = await plain.download(metainfo, { dir: target, peers: [{ host: HOST, port: seeder.port }] });
  session.start();
  while (seeder.refused.plain === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(session.stats()).toMatchObject({ have: 0, downloaded: 0 });
});
