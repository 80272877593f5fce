import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import type { Endpoint } from '../support/clients/client.ts';
import { startGet, startSeed } from '../support/clients/pixtorrent.ts';
import { digestTree } from '../support/content.ts';
import { until, within } from '../support/processes.ts';
import { type Scope, scoped } from '../support/scope.ts';
import { handshake } from '../support/scripted-peer.ts';
import { type Fixture, fixture } from './fixture.ts';

const SILENT = 10_000;
/** A handshake has 10 s (pixwire.md); the rest is patience with a busy machine. */
const CLOSE_SECONDS = 20;

it(`serves while ${SILENT} connections say nothing, and closes them`, () =>
  scoped(async (scope) => {
    const content = await fixture(scope, 32 << 20);
    const seed = await startSeed(scope, { torrent: content.torrent, folder: content.folder, port: 0 });
    const sockets = await Promise.all(Array.from({ length: SILENT }, () => dial(scope, seed.endpoint)));
    await expectDelivery(scope, content, seed.endpoint);
    await until(
      CLOSE_SECONDS,
      () => sockets.every((socket) => socket.closed) || undefined,
      () =>
        seed.process.failure(`${sockets.filter((socket) => !socket.closed).length} silent connections stay`),
    );
  }));

const attacks: Readonly<Record<string, (infoHash: Buffer) => Buffer>> = {
  'random bytes': () => randomBytes(64 << 10),
  'a web request': () => Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  'half a handshake': (infoHash) => handshake(infoHash).subarray(0, 40),
  'an unknown info hash': () => handshake(randomBytes(20)),
  'a BEP 3 frame of 4 GiB': (infoHash) =>
    Buffer.concat([handshake(infoHash), Buffer.alloc(4, 0xff), Buffer.from([7])]),
  'a PixWire frame of 4 GiB': (infoHash) =>
    Buffer.concat([pixwireHandshake(infoHash), Buffer.from([3]), Buffer.alloc(4, 0xff)]),
  'a request past the end': (infoHash) =>
    Buffer.concat([handshake(infoHash), bep3Request(1 << 20, 0, 16_384)]),
  'data that nobody asked for': (infoHash) => Buffer.concat([handshake(infoHash), unaskedBlock()]),
  'random bytes after a handshake': (infoHash) =>
    Buffer.concat([handshake(infoHash), Buffer.alloc(1, 0xff), randomBytes(4096)]),
};

it.each(Object.entries(attacks))('closes a connection that sends %s, and serves on', (_, attack) =>
  scoped(async (scope) => {
    const content = await fixture(scope, 1 << 20);
    const seed = await startSeed(scope, { torrent: content.torrent, folder: content.folder, port: 0 });
    const socket = await dial(scope, seed.endpoint);
    socket.write(attack(content.infoHash));
    await closed(socket, () => seed.process.failure('keeps the connection open'));
    await expectDelivery(scope, content, seed.endpoint);
  }),
);

it('closes a connection that sends its handshake a byte at a time', () =>
  scoped(async (scope) => {
    const content = await fixture(scope, 1 << 20);
    const seed = await startSeed(scope, { torrent: content.torrent, folder: content.folder, port: 0 });
    const socket = await dial(scope, seed.endpoint);
    const bytes = handshake(content.infoHash);
    let sent = 0;
    const drip = setInterval(() => {
      if (socket.writable && sent < bytes.length - 1) socket.write(bytes.subarray(sent, ++sent));
    }, 250);
    scope.defer(() => clearInterval(drip));
    await closed(socket, () => seed.process.failure('keeps the connection open'));
    await expectDelivery(scope, content, seed.endpoint);
  }));

async function expectDelivery(scope: Scope, content: Fixture, seed: Endpoint): Promise<void> {
  const folder = await scope.folder();
  const get = await startGet(scope, { torrent: content.torrent, folder, port: 0, peers: [seed] });
  expect((await get.exit(60)).code, get.log).toBe(0);
  expect(await digestTree(folder)).toEqual(content.digests);
}

async function dial(scope: Scope, { host, port }: Endpoint): Promise<Socket> {
  const socket = connect(port, host);
  scope.defer(() => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => {});
  socket.resume();
  return socket;
}

function closed(socket: Socket, late: () => Error): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return within(CLOSE_SECONDS, new Promise((resolve) => socket.once('close', () => resolve())), late);
}

function pixwireHandshake(infoHash: Buffer): Buffer {
  const fixed = Buffer.from([0x50, 0x49, 0x58, 0x54, 1, 1, 0, 0, 0, 2, 0, 0, 0, 0x10, 0, 0]);
  return Buffer.concat([fixed, infoHash, Buffer.alloc(12), Buffer.from('-XX0001-'), randomBytes(12)]);
}

function bep3Request(piece: number, offset: number, length: number): Buffer {
  const message = Buffer.alloc(17);
  message.writeUInt32BE(13, 0);
  message[4] = 6;
  message.writeUInt32BE(piece, 5);
  message.writeUInt32BE(offset, 9);
  message.writeUInt32BE(length, 13);
  return message;
}

function unaskedBlock(): Buffer {
  const message = Buffer.alloc(13 + 16_384);
  message.writeUInt32BE(9 + 16_384, 0);
  message[4] = 7;
  return message;
}
