import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { infoHash, newPeerId, type Timers } from '@pixtorrent/core';
import { DEFAULT_LIMITS, encodeHandshake, GoodbyeReason, type WireName } from '@pixtorrent/peer-protocol';
import { VirtualTime } from '@pixtorrent/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { systemTimers } from '../time/system.ts';
import { HASH, Leech, MIB, PIECE, Seed, SHAPE, Side } from './fixtures/transfer-sides.ts';
import type { Listener, ListenOptions } from './listener.ts';
import type { PeerConnection } from './peer-connection.ts';
import { TcpTransport } from './tcp-transport.ts';

const HOST = '127.0.0.1';
const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing.close();
});

/** A listener, and the connections that came in to it. */
async function listen(
  options: Partial<ListenOptions> & { timers?: Timers } = {},
): Promise<{ listener: Listener; next: () => Promise<PeerConnection> }> {
  const arrived: PeerConnection[] = [];
  const waiting: ((connection: PeerConnection) => void)[] = [];
  const { timers = systemTimers, ...rest } = options;
  const listener = await new TcpTransport(timers).listen({
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

async function dial(port: number, wire: WireName, timers: Timers = systemTimers): Promise<PeerConnection> {
  const options = { infoHash: HASH, peerId: newPeerId(), shape: SHAPE, wire };
  const connection = await new TcpTransport(timers).dial({ host: HOST, port }, options);
  opened.push({ close: () => connection.destroy() });
  return connection;
}

/** A seed that listens and a leech that dialled it. */
async function pair(wire: WireName, timers?: Timers): Promise<{ seed: Seed; leech: Leech }> {
  const { listener, next } = await listen(timers && { timers });
  const leech = new Leech(await dial(listener.port, wire, timers));
  const seed = new Seed(await next());
  seed.connection.attach(seed);
  leech.connection.attach(leech);
  seed.connection.haveAll();
  leech.connection.haveNone();
  return { seed, leech };
}

/** A socket without any of our code behind it. */
async function rawClient(port: number): Promise<Socket> {
  const socket = connect(port, HOST);
  socket.on('error', () => {});
  opened.push({ close: () => socket.destroy() });
  await once(socket, 'connect');
  return socket;
}

async function rawServer(onConnection: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    opened.push({ close: () => socket.destroy() });
    onConnection(socket);
  });
  opened.push({ close: () => server.close() });
  server.listen(0, HOST);
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

function hello(wire: WireName): Uint8Array {
  return encodeHandshake(wire, HASH, newPeerId(), DEFAULT_LIMITS);
}

describe.each<WireName>(['pixwire', 'bep3'])('a connection over %s', (wire) => {
  it('moves 64 MiB whole, and gives every lease back', async () => {
    const { seed, leech } = await pair(wire);
    leech.ask();
    await leech.until(() => leech.received === SHAPE.length);
    const wanted = createHash('sha1');
    for (let piece = 0; piece < SHAPE.pieceCount; piece++) wanted.update(PIECE);
    expect(leech.hash.digest('hex')).toBe(wanted.digest('hex'));
    await seed.until(() => seed.connection.bufferedBytes === 0);
    expect(seed.released).toBe(wire === 'pixwire' ? 64 : 4_096);
    expect(seed.connection.counts.payloadOut).toBe(SHAPE.length);
    expect(leech.connection.counts.payloadIn).toBe(SHAPE.length);
    expect(leech.connection.counts.bytesIn).toBe(seed.sentBytes);
  });

  it('gives the block back that was under way when the other side vanished', async () => {
    const bytes = wire === 'pixwire' ? MIB : 16_384;
    const head = [...u32(3), ...u32(0)];
    const begun = wire === 'pixwire' ? [3, ...u32(bytes + 8), ...head] : [...u32(bytes + 9), 7, ...head];
    const port = await rawServer((socket) => {
      const opening = wire === 'pixwire' ? [0x0b, 0, 0, 0, 0] : [0, 0, 0, 1, 14];
      socket.write(
        Buffer.concat([hello(wire), Buffer.from([...opening, ...begun]), Buffer.alloc(bytes / 2)]),
      );
      socket.once('data', () => setImmediate(() => socket.end()));
    });
    const victim = new Leech(await dial(port, wire));
    victim.connection.attach(victim);
    await victim.until(() => victim.end !== undefined);
    expect(victim.heard).toEqual(['haveAll', 'blockAbort']);
    expect(victim.end?.end).toMatch(/remote-closed|network-error/);
  });

  it('gives every lease back when the connection is cut', async () => {
    const { seed, leech } = await pair(wire);
    leech.ask();
    await leech.until(() => leech.received > 8 * MIB);
    seed.connection.block(0, 0, PIECE.subarray(0, 16_384), { release: () => seed.released++ });
    const closed = new Promise<void>((resolve) => seed.connection.onClosed(resolve));
    leech.connection.destroy();
    await closed;
    expect(seed.answered + 1).toBe(seed.released);
    expect(seed.connection.bufferedBytes).toBe(0);
  });

  it.runIf(process.platform === 'linux')(
    'does not hand over to the kernel what cannot go out yet',
    async () => {
      const { listener, next } = await listen();
      // It never reads.
      await dial(listener.port, wire);
      const seed = new Seed(await next());
      seed.connection.attach(seed);
      for (let piece = 0; piece < 16; piece++) {
        const lease = { release: () => seed.released++ };
        for (let offset = 0; offset < MIB; offset += 16_384)
          seed.connection.block(piece, offset, PIECE.subarray(offset, offset + 16_384), lease);
        seed.connection.flush();
      }
      for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
      expect(seed.connection.bufferedBytes).toBeGreaterThan(15 * MIB);
    },
  );

  it('keeps no memory that it will not send', async () => {
    const { seed } = await pair(wire);
    const lease = { release: () => seed.released++ };
    seed.connection.block(0, 0, PIECE.subarray(0, 16_384), lease);
    seed.connection.destroy();
    seed.connection.block(0, 0, PIECE.subarray(0, 16_384), lease);
    expect(seed.released).toBe(2);
  });

  it('takes a peer that sends one byte at a time', async () => {
    const { listener, next } = await listen();
    const socket = await rawClient(listener.port);
    socket.setNoDelay(true);
    const have = wire === 'pixwire' ? [0x0c, 0, 0, 0, 0, 4, 0, 0, 0, 4] : [0, 0, 0, 1, 15, 0, 0, 0, 5, 4];
    const bytes = Buffer.from([...hello(wire), ...have, 0, 0, 0, 9]);
    const trickle = (async () => {
      for (const byte of bytes) await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
    })();
    const side = new Side(await next());
    side.connection.attach(side);
    await Promise.all([trickle, side.until(() => side.heard.includes('have 9'))]);
    expect(side.heard).toEqual(['haveNone', 'have 9']);
  });

  it('closes on garbage, and says why where the wire can', async () => {
    const { listener, next } = await listen();
    const socket = await rawClient(listener.port);
    socket.write(hello(wire));
    const side = new Side(await next());
    side.connection.attach(side);
    const answer: Buffer[] = [];
    socket.on('data', (bytes) => answer.push(bytes));
    socket.write(Buffer.alloc(100, 0x0b));
    await Promise.all([once(socket, 'close'), side.until(() => side.end !== undefined)]);
    expect(side.end?.end).toBe('protocol-error');
    expect(side.end?.fault).toBeDefined();
    const after = Buffer.concat(answer).subarray(68);
    expect([...after.subarray(0, 1)]).toEqual(wire === 'pixwire' ? [0x10] : []);
    expect(listener.counts.connections).toBe(0);
  });

  it('delivers what was queued before it closes', async () => {
    const { seed, leech } = await pair(wire);
    seed.connection.have(5);
    seed.connection.close(GoodbyeReason.draining, 'see you');
    seed.connection.have(6);
    await leech.until(() => leech.end !== undefined);
    expect(leech.heard).toEqual(['haveAll', 'have 5', ...(wire === 'pixwire' ? ['goodbye 6 see you'] : [])]);
    expect(leech.end?.end).toBe('remote-closed');
    expect(seed.end).toBeUndefined();
  });

  it('is kept alive while both are there, and given up when one falls silent', async () => {
    const time = new VirtualTime();
    const { listener, next } = await listen({ timers: time });
    const socket = await rawClient(listener.port);
    socket.write(hello(wire));
    const side = new Side(await next());
    side.connection.attach(side);
    side.connection.haveNone();
    const asked = once(socket, 'data');
    time.run({ until: 0 });
    await asked;
    const told = once(socket, 'data');
    time.run({ until: wire === 'pixwire' ? 40_000 : 110_000 });
    expect([...((await told)[0] as Buffer)].slice(-13)).toEqual(
      wire === 'pixwire' ? [0x0d, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0] : [0, 0, 0, 0],
    );
    expect(side.end).toBeUndefined();
    time.run({ until: 160_000 });
    expect(side.end?.end).toBe('idle');
  });

  it('does not let a peer that never reads fill the memory', async () => {
    const { listener, next } = await listen();
    const socket = await rawClient(listener.port);
    socket.write(hello(wire));
    const side = new Side(await next());
    side.connection.attach(side);
    side.connection.haveNone();
    let most = 0;
    while (side.end === undefined) {
      for (let i = 0; i < 1_000; i++) side.connection.request(i % 64, 0, 16_384);
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, side.connection.bufferedBytes);
    }
    expect(side.end.end).toBe('overloaded');
    expect(most).toBeLessThan(2 * MIB);
  });

  it('reads nothing while paused', async () => {
    const { seed, leech } = await pair(wire);
    await leech.until(() => leech.heard.length === 1);
    leech.connection.pause();
    seed.connection.have(1);
    await seed.until(() => seed.connection.bufferedBytes === 0);
    seed.connection.have(2);
    await seed.until(() => seed.connection.bufferedBytes === 0);
    expect(leech.heard).toEqual(['haveAll']);
    leech.connection.resume();
    await leech.until(() => leech.heard.length === 3);
  });
});

describe('dialling', () => {
  const options = { infoHash: HASH, peerId: newPeerId(), shape: SHAPE };
  const transport = new TcpTransport(systemTimers);

  it('falls back to BEP 3 once where PixWire is refused without a word', async () => {
    const firsts: number[] = [];
    const port = await rawServer((socket) => {
      socket.once('data', (bytes) => {
        firsts.push(bytes[0]!);
        if (bytes[0] === 0x13) socket.write(hello('bep3'));
        else socket.destroy();
      });
    });
    const connection = await transport.dial({ host: HOST, port }, { ...options, wire: 'pixwire' });
    expect(connection.wire).toBe('bep3');
    expect(firsts).toEqual([0x50, 0x13]);
    connection.destroy();
  });

  it('says what went wrong', async () => {
    const { listener } = await listen();
    const to = (port: number, more: object) => transport.dial({ host: HOST, port }, { ...options, ...more });
    const other = { infoHash: infoHash(new Uint8Array(20)) };
    await expect(to(listener.port, { ...other, wire: 'pixwire' })).rejects.toMatchObject({ code: 'refused' });
    const noise = await rawServer((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expect(to(noise, {})).rejects.toMatchObject({ code: 'bad-handshake' });
    const silent = await rawServer(() => {});
    await expect(to(silent, { timeout: 50 })).rejects.toMatchObject({ code: 'refused' });
    await listener.close();
    await expect(to(listener.port, {})).rejects.toMatchObject({ code: 'dial-failed' });
  });

  it('can be given up', async () => {
    const port = await rawServer(() => {});
    const abort = new AbortController();
    const dialling = transport.dial({ host: HOST, port }, { ...options, signal: abort.signal });
    abort.abort();
    await expect(dialling).rejects.toMatchObject({ code: 'aborted' });
    await expect(
      transport.dial({ host: HOST, port }, { ...options, signal: abort.signal }),
    ).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('a listener', () => {
  it('says that its port is taken', async () => {
    const { listener } = await listen();
    await expect(listen({ port: listener.port })).rejects.toMatchObject({ code: 'address-in-use' });
  });

  it('answers nothing to a stranger', async () => {
    const { listener } = await listen();
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(200, 0x16)]) {
      const socket = await rawClient(listener.port);
      let answered = 0;
      socket.on('data', (data) => {
        answered += data.length;
      });
      socket.write(bytes);
      await once(socket, 'close');
      expect(answered).toBe(0);
    }
    expect(listener.counts).toEqual({ handshakes: 0, connections: 0 });
  });

  it('closes what says nothing in time', async () => {
    const time = new VirtualTime();
    const { listener } = await listen({ timers: time });
    const socket = await rawClient(listener.port);
    const closed = once(socket, 'close');
    socket.resume();
    while (listener.counts.handshakes === 0) await new Promise((resolve) => setImmediate(resolve));
    time.run({ until: 10_000 });
    await closed;
    expect(listener.counts.handshakes).toBe(0);
  });

  it('goes on with its transfers while thousands of connections say nothing', async () => {
    const { listener, next } = await listen({ maxHandshakesPerAddress: 512 });
    const leech = new Leech(await dial(listener.port, 'pixwire'));
    const seed = new Seed(await next());
    seed.connection.attach(seed);
    leech.connection.attach(leech);
    seed.connection.haveAll();
    leech.connection.haveNone();
    leech.ask();
    let dropped = 0;
    for (let i = 0; i < 30; i++) {
      const crowd = await Promise.all(Array.from({ length: 100 }, () => rawClient(listener.port)));
      for (const socket of crowd) socket.resume().on('close', () => dropped++);
    }
    await leech.until(() => leech.received === SHAPE.length);
    // They are accepted in their order: one who comes last gets in after all of them.
    const late = await dial(listener.port, 'bep3');
    expect((await next()).incoming).toBe(true);
    expect(listener.counts).toEqual({ handshakes: 511, connections: 2 });
    while (dropped < 3_000 - 511) await new Promise((resolve) => setImmediate(resolve));
    expect(seed.end).toBeUndefined();
    expect(late.incoming).toBe(false);
  });

  it('bounds the connections that it accepts', async () => {
    const { listener, next } = await listen({ maxConnections: 1 });
    await dial(listener.port, 'bep3');
    const first = await next();
    await expect(dial(listener.port, 'bep3')).rejects.toMatchObject({ code: 'refused' });
    expect(listener.counts.connections).toBe(1);
    const closed = new Promise<void>((resolve) => first.onClosed(resolve));
    first.destroy();
    await closed;
    expect(listener.counts.connections).toBe(0);
  });
});

function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}
