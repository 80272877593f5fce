import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { newPeerId, type Timers } from '@pixtorrent/core';
import { DEFAULT_LIMITS, encodeHandshake, GoodbyeReason, type WireName } from '@pixtorrent/peer-protocol';
import { type IssueOptions, TestAuthority, VirtualTime } from '@pixtorrent/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { systemTimers } from '../time/system.ts';
import { HASH, Leech, MIB, PIECE, Seed, SHAPE, Side } from './fixtures/transfer-sides.ts';
import type { ListenOptions } from './listener.ts';
import type { PeerConnection } from './peer-connection.ts';
import { TcpTransport } from './tcp-transport.ts';
import type { TlsCertificates, TlsOptions } from './tls.ts';

const HOST = '127.0.0.1';
const HOUR = 3_600_000;
const authority = new TestAuthority();
const stranger = new TestAuthority('another authority');

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing.close();
});

function certified(by = authority, trusts = authority, options: IssueOptions = {}): TlsCertificates {
  return { ...by.issue(options), ca: trusts.certificate };
}

function tls(options: Partial<TlsOptions> = {}, certificates = certified()): TlsOptions {
  return { policy: 'require', identity: { certificates: () => certificates }, ...options };
}

interface SetUp extends Partial<ListenOptions> {
  readonly timers?: Timers;
  readonly tls?: TlsOptions;
}

async function listen(options: SetUp = {}) {
  const arrived: PeerConnection[] = [];
  const waiting: ((connection: PeerConnection) => void)[] = [];
  const { timers = systemTimers, tls: secured = tls(), ...rest } = options;
  const listener = await new TcpTransport(timers, { tls: secured }).listen({
    host: HOST,
    port: 0,
    lookup: (hash) => (Buffer.compare(hash, HASH) === 0 ? { peerId: newPeerId(), shape: SHAPE } : undefined),
    connected: (connection) => {
      opened.push({ close: () => connection.destroy() });
      const resolve = waiting.shift();
      if (resolve) resolve(connection);
      else arrived.push(connection);
    },
    ...rest,
  });
  opened.push(listener);
  const next = () =>
    new Promise<PeerConnection>((resolve) => {
      const connection = arrived.shift();
      if (connection) resolve(connection);
      else waiting.push(resolve);
    });
  return { listener, next };
}

async function dial(port: number, options: { wire?: WireName; tls?: TlsOptions | undefined } = {}) {
  const { wire = 'pixwire' } = options;
  const secured = 'tls' in options ? options.tls : tls();
  const transport = new TcpTransport(systemTimers, secured && { tls: secured });
  const connection = await transport.dial(
    { host: HOST, port },
    { infoHash: HASH, peerId: newPeerId(), shape: SHAPE, wire },
  );
  opened.push({ close: () => connection.destroy() });
  return connection;
}

/** A seed that was dialled by a leech. */
function attached(dialled: PeerConnection, accepted: PeerConnection): { seed: Seed; leech: Leech } {
  const [seed, leech] = [new Seed(accepted), new Leech(dialled)];
  accepted.attach(seed);
  dialled.attach(leech);
  accepted.haveAll();
  dialled.haveNone();
  return { seed, leech };
}

async function pair(wire: WireName = 'pixwire'): Promise<{ seed: Seed; leech: Leech }> {
  const { listener, next } = await listen();
  return attached(await dial(listener.port, { wire }), await next());
}

async function rawClient(port: number): Promise<Socket> {
  const socket = connect(port, HOST);
  socket.on('error', () => {});
  opened.push({ close: () => socket.destroy() });
  await once(socket, 'connect');
  return socket;
}

/** A TLS client without any of our code behind it. */
async function rawTlsClient(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const { key, certificate: cert, ca } = certified();
  const trust = { ca, checkServerIdentity: () => undefined };
  const socket = connectTls({ port, host: HOST, key, cert, ...trust, ...options });
  socket.on('error', () => {});
  opened.push({ close: () => socket.destroy() });
  await Promise.race([new Promise((resolve) => socket.once('secureConnect', resolve)), closed(socket)]);
  return socket;
}

/** With an error or without. */
function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

function hello(wire: WireName): Uint8Array {
  return encodeHandshake(wire, HASH, newPeerId(), DEFAULT_LIMITS);
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function transfersAll({ seed, leech }: { seed: Seed; leech: Leech }): Promise<void> {
  leech.ask();
  await leech.until(() => leech.received === SHAPE.length);
  const wanted = createHash('sha1');
  for (let piece = 0; piece < SHAPE.pieceCount; piece++) wanted.update(PIECE);
  expect(leech.hash.digest('hex')).toBe(wanted.digest('hex'));
  await seed.until(() => seed.connection.bufferedBytes === 0);
  expect(seed.released).toBe(seed.answered);
}

/** Connects, and says nothing but `first`. @returns how many bytes came back before it was closed */
async function answerTo(port: number, first: Uint8Array): Promise<number> {
  const socket = await rawClient(port);
  let answered = 0;
  socket.on('data', (bytes) => {
    answered += bytes.length;
  });
  socket.write(first);
  await closed(socket);
  return answered;
}

describe.each<WireName>(['pixwire', 'bep3'])('a connection over %s within TLS', (wire) => {
  it('moves 64 MiB whole, and gives every lease back', async () => {
    const both = await pair(wire);
    expect([both.seed.connection.encrypted, both.leech.connection.encrypted]).toEqual([true, true]);
    expect(both.seed.connection.wire).toBe(wire);
    await transfersAll(both);
  });

  it('gives every lease back when the connection is cut', async () => {
    const { seed, leech } = await pair(wire);
    leech.ask();
    await leech.until(() => leech.received > 8 * MIB);
    const closed = new Promise<void>((resolve) => seed.connection.onClosed(resolve));
    leech.connection.destroy();
    await closed;
    expect(seed.released).toBe(seed.answered);
    expect(seed.connection.bufferedBytes).toBe(0);
  });

  it('delivers what was queued before it closes', async () => {
    const { seed, leech } = await pair(wire);
    seed.connection.have(5);
    seed.connection.close(GoodbyeReason.draining, 'see you');
    await leech.until(() => leech.end !== undefined);
    expect(leech.heard).toEqual(['haveAll', 'have 5', ...(wire === 'pixwire' ? ['goodbye 6 see you'] : [])]);
    expect(leech.end?.end).toBe('remote-closed');
  });

  it('keeps what comes right behind a handshake until somebody listens', async () => {
    const { listener, next } = await listen();
    const socket = await rawTlsClient(listener.port);
    const haveNone = wire === 'pixwire' ? [0x0c, 0, 0, 0, 0] : [0, 0, 0, 1, 15];
    const have = wire === 'pixwire' ? [4, 0, 0, 0, 4] : [0, 0, 0, 5, 4];
    const haves = Array.from({ length: 9_000 }, (_, i) => [...have, 0, 0, 0, i % SHAPE.pieceCount]);
    socket.write(Buffer.concat([hello(wire), Buffer.from([...haveNone, ...haves.flat()])]));
    const side = new Side(await next());
    await turns(20);
    expect(side.heard).toEqual([]);
    side.connection.attach(side);
    await side.until(() => side.heard.length === 9_001);
    expect(side.heard.slice(1)).toEqual(haves.map((_, i) => `have ${i % SHAPE.pieceCount}`));
  });

  it('passes nothing on while paused, and loses nothing', async () => {
    const { seed, leech } = await pair(wire);
    await leech.until(() => leech.heard.length === 1);
    leech.connection.pause();
    for (let piece = 0; piece < SHAPE.pieceCount; piece++) seed.connection.have(piece);
    await seed.until(() => seed.connection.bufferedBytes === 0);
    await turns(20);
    const before = leech.heard.length;
    leech.connection.resume();
    await leech.until(() => leech.heard.length === SHAPE.pieceCount + 1);
    expect(before).toBe(1);
  });

  it('is made of any pieces of a ClientHello', async () => {
    const { listener, next } = await listen();
    const relay = createServer((from) => {
      const to = connect({ port: listener.port, host: HOST, noDelay: true });
      opened.push({ close: () => to.destroy() });
      from.on('error', () => {}).on('close', () => to.destroy());
      to.on('error', () => {}).pipe(from);
      from.once('data', async (bytes: Buffer) => {
        from.pause();
        for (const byte of bytes) await new Promise((resolve) => to.write(Buffer.of(byte), resolve));
        from.pipe(to);
      });
    });
    relay.listen(0, HOST);
    await once(relay, 'listening');
    opened.push({ close: () => relay.close() });
    const dialled = await dial((relay.address() as { port: number }).port, { wire });
    await transfersAll(attached(dialled, await next()));
  });
});

describe('one port', () => {
  it('takes both where TLS is accepted', async () => {
    const { listener, next } = await listen({ tls: tls({ policy: 'accept' }) });
    for (const wire of ['pixwire', 'bep3'] as const) {
      for (const secured of [undefined, tls({ policy: 'accept' }), tls()]) {
        const dialled = await dial(listener.port, { wire, tls: secured });
        const accepted = await next();
        const encrypted = secured?.policy === 'require';
        expect([accepted.wire, accepted.encrypted, dialled.encrypted]).toEqual([wire, encrypted, encrypted]);
        await transfersAll(attached(dialled, accepted));
      }
    }
    expect(listener.refused).toEqual({ plain: 0, tls: 0 });
  });

  it('closes plain connections without a word where TLS is required', async () => {
    const { listener } = await listen();
    expect(await answerTo(listener.port, hello('pixwire'))).toBe(0);
    await expect(dial(listener.port, { tls: undefined, wire: 'bep3' })).rejects.toMatchObject({
      code: 'refused',
    });
    expect(listener.refused).toEqual({ plain: 2, tls: 0 });
    expect(listener.counts).toEqual({ handshakes: 0, connections: 0 });
  });

  it('of a node without TLS closes on a ClientHello, and whoever requires TLS is told', async () => {
    const plain = await new TcpTransport(systemTimers).listen({
      host: HOST,
      port: 0,
      lookup: () => undefined,
      connected: () => {},
    });
    opened.push(plain);
    await expect(dial(plain.port)).rejects.toMatchObject({ code: 'tls-failed' });
  });

  it('closes on garbage that begins like TLS', async () => {
    const { listener } = await listen({ tls: tls({ policy: 'accept' }) });
    await answerTo(listener.port, Buffer.alloc(200, 0x16));
    await answerTo(listener.port, Buffer.from([0x16, 3, 1, 0, 5, 1, 0xff, 0xff, 0xff, 0]));
    await answerTo(listener.port, Buffer.concat([Buffer.of(0x16), hello('bep3')]));
    expect(listener.refused).toEqual({ plain: 0, tls: 3 });
    expect(listener.counts).toEqual({ handshakes: 0, connections: 0 });
  });

  it('speaks no version below 1.3', async () => {
    const { listener } = await listen();
    const old = await rawTlsClient(listener.port, { maxVersion: 'TLSv1.2' });
    expect(old.authorized).toBe(false);
    const current = await rawTlsClient(listener.port);
    expect([current.authorized, current.getProtocol()]).toEqual([true, 'TLSv1.3']);
  });

  it('closes on a stranger within TLS too', async () => {
    const { listener } = await listen();
    const socket = await rawTlsClient(listener.port);
    let answered = 0;
    socket.on('data', (bytes) => {
      answered += bytes.length;
    });
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await closed(socket);
    expect(answered).toBe(0);
    expect(listener.counts).toEqual({ handshakes: 0, connections: 0 });
  });
});

describe('a listener', () => {
  const expired: IssueOptions = { from: new Date(Date.now() - 2 * HOUR), until: new Date(Date.now() - HOUR) };

  it.each<[string, TlsCertificates]>([
    ['of another authority', certified(stranger)],
    ['that has expired', certified(authority, authority, expired)],
    ['that is not valid yet', certified(authority, authority, { from: new Date(Date.now() + HOUR / 2) })],
  ])('takes nobody with a certificate %s', async (_, certificates) => {
    const { listener } = await listen();
    await expect(dial(listener.port, { tls: tls({}, certificates) })).rejects.toThrow();
    expect(listener.counts).toEqual({ handshakes: 0, connections: 0 });
    // PixWire is tried, and BEP 3 after it: to the dialler this looks like one who does not speak the wire.
    expect(listener.refused).toEqual({ plain: 0, tls: 2 });
  });

  it.each<[string, TlsCertificates]>([
    ['of another authority', certified(stranger)],
    ['that has expired', certified(authority, authority, expired)],
  ])('is refused with a certificate %s', async (_, certificates) => {
    const { listener } = await listen({ tls: tls({ mutual: false }, certificates) });
    await expect(dial(listener.port)).rejects.toMatchObject({
      code: 'tls-failed',
      message: expect.stringMatching(/^no TLS: (CERT_HAS_EXPIRED|UNABLE_TO_|SELF_SIGNED)/),
    });
    expect(listener.counts.connections).toBe(0);
  });

  it('wants a certificate of those who dial, unless it is told not to', async () => {
    const nothing = { key: undefined, cert: undefined };
    const strict = await listen();
    const refused = await rawTlsClient(strict.listener.port, nothing);
    refused.write(hello('pixwire'));
    if (!refused.closed) await closed(refused.resume());
    expect(strict.listener.refused).toEqual({ plain: 0, tls: 1 });
    const open = await listen({ tls: tls({ mutual: false }) });
    const taken = await rawTlsClient(open.listener.port, nothing);
    taken.write(hello('pixwire'));
    expect((await open.next()).encrypted).toBe(true);
  });

  it.each([
    ['its first byte', Buffer.of(0x16)],
    ['a part of it', Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])],
  ])('waits for a ClientHello of which %s has come no longer than for any handshake', async (_, first) => {
    const time = new VirtualTime();
    const { listener } = await listen({ timers: time });
    const socket = await rawClient(listener.port);
    const gone = closed(socket.resume());
    socket.write(first);
    while (listener.counts.handshakes === 0) await turns(1);
    await turns(20);
    time.run({ until: 9_000 });
    socket.write(Buffer.of(0));
    await turns(20);
    expect(listener.counts.handshakes).toBe(1);
    time.run({ until: 10_000 });
    await gone;
    expect(listener.counts.handshakes).toBe(0);
    expect(listener.refused.tls).toBe(1);
  });

  it('drops the oldest of too many that are within a handshake of TLS', async () => {
    const { listener } = await listen({ maxHandshakes: 2 });
    const sockets = [await rawClient(listener.port), await rawClient(listener.port)];
    for (const socket of sockets) socket.resume().write(Buffer.from([0x16, 3, 1]));
    while (listener.counts.handshakes < 2) await turns(1);
    await turns(20);
    const gone = closed(sockets[0]!);
    expect((await dial(listener.port)).encrypted).toBe(true);
    await gone;
    expect(sockets[1]!.closed).toBe(false);
  });

  it('forgets who goes away in the middle of it', async () => {
    const { listener } = await listen();
    for (const end of ['end', 'resetAndDestroy'] as const) {
      const socket = await rawClient(listener.port);
      socket.resume().write(Buffer.from([0x16, 3, 1, 2, 0]));
      while (listener.counts.handshakes === 0) await turns(1);
      await turns(20);
      socket[end]();
      while (listener.counts.handshakes > 0) await turns(1);
    }
    expect(listener.refused.tls).toBe(2);
  });
});

it('gives a peer up that is silent within TLS', async () => {
  const time = new VirtualTime();
  const { listener, next } = await listen({ timers: time });
  const socket = await rawTlsClient(listener.port);
  socket.write(hello('pixwire'));
  const side = new Side(await next());
  side.connection.attach(side);
  side.connection.haveNone();
  time.run({ until: 160_000 });
  expect(side.end?.end).toBe('idle');
});

it('notices an end without a farewell of TLS', async () => {
  const { listener, next } = await listen();
  const socket = await rawClient(listener.port);
  const secured = await rawTlsClient(listener.port, { socket });
  secured.write(hello('pixwire'));
  const side = new Side(await next());
  side.connection.attach(side);
  socket.destroy();
  await side.until(() => side.end !== undefined);
  expect(side.end?.end).toMatch(/remote-closed|network-error/);
});

describe('certificates that change', () => {
  it('count for what is dialled from then on, while transfers go on', async () => {
    let current = certified();
    const { listener, next } = await listen({ tls: tls({ identity: { certificates: () => current } }) });
    const both = attached(await dial(listener.port), await next());
    both.leech.ask();
    await both.leech.until(() => both.leech.received > 8 * MIB);
    current = certified(stranger, stranger);
    const renewed = tls({}, certified(stranger, stranger));
    expect((await dial(listener.port, { tls: renewed })).encrypted).toBe(true);
    await expect(dial(listener.port)).rejects.toMatchObject({ code: 'tls-failed' });
    expect(both.leech.received).toBeLessThan(SHAPE.length);
    await transfersAll(both);
  });

  it('count for those who dial too', async () => {
    let current = certified(stranger, stranger);
    const { listener } = await listen();
    const transport = new TcpTransport(systemTimers, {
      tls: { policy: 'require', identity: { certificates: () => current } },
    });
    const options = { infoHash: HASH, peerId: newPeerId(), shape: SHAPE };
    const to = { host: HOST, port: listener.port };
    await expect(transport.dial(to, options)).rejects.toMatchObject({ code: 'tls-failed' });
    current = certified();
    const connection = await transport.dial(to, options);
    opened.push({ close: () => connection.destroy() });
    expect(connection.encrypted).toBe(true);
  });

  it('stay as they were where the new ones do not fit', async () => {
    const unfit = { ...certified(), key: authority.issue().key };
    let current = certified();
    const { listener } = await listen({ tls: tls({ identity: { certificates: () => current } }) });
    current = unfit;
    expect((await dial(listener.port)).encrypted).toBe(true);
    expect(() => new TcpTransport(systemTimers, { tls: tls({}, unfit) })).toThrow(
      expect.objectContaining({ code: 'bad-certificates' }),
    );
  });
});
