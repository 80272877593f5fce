import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { infoHash, peerId, silentLogger } from '@pixtorrent/core';
import {
  type AnnounceRequest,
  encodeUdpAnnounce,
  encodeUdpConnect,
  encodeUdpScrape,
  parseUdpAnswer,
  type UdpAnswer,
} from '@pixtorrent/tracker-protocol';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { RefusedError } from '../../errors.ts';
import type { Asking, TrackerLogic } from '../tracker-logic.ts';
import { openBatched } from './batched-datagrams.ts';
import type { OpenDatagrams } from './datagrams.ts';
import { loadLibc } from './libc.ts';
import { UdpFrontend, type UdpFrontendOptions } from './server.ts';
import { openSingle } from './single-datagrams.ts';

const HASH = infoHash(new Uint8Array(20).fill(7));
const REQUEST: AnnounceRequest = {
  infoHash: HASH,
  peerId: peerId(Buffer.from('-PX0100-abcdefghijkl')),
  port: 6881,
  uploaded: 0,
  downloaded: 0,
  left: 9,
};
const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface Started {
  readonly frontend: UdpFrontend;
  readonly asked: { readonly request: AnnounceRequest; readonly asking: Asking }[];
}

const libc = await loadLibc();
const ways: [string, OpenDatagrams][] = [['single', openSingle]];
if (libc !== undefined) ways.push(['batched', openBatched(libc)]);

it('takes packets in batches on Linux, unasked', async () => {
  const frontend = await UdpFrontend.listen({} as TrackerLogic, silentLogger, { port: 0 });
  opened.push(() => frontend.close());
  const known = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
  expect(frontend.way).toBe(known ? 'batched' : 'single');
});

describe.each(ways)('the UDP frontend, packets %s', (_way, open) => {
  /** A frontend before a tracker that knows 500 peers of each family. */
  async function start(
    options: Partial<UdpFrontendOptions> = {},
    before: () => Promise<void> | undefined = () => undefined,
  ): Promise<Started> {
    const asked: Started['asked'] = [];
    const nothing = new Uint8Array(0);
    const peers = {
      v4: new Uint8Array(500 * 6).fill(4),
      v6: new Uint8Array(500 * 18).fill(6),
      ids: nothing,
      traits: nothing,
    };
    const logic: TrackerLogic = {
      announce(request, asking) {
        asked.push({ request, asking });
        const answer = { interval: 100, minInterval: 1, seeders: 2, leechers: 3, peers };
        return before()?.then(() => answer) ?? answer;
      },
      scrape: async (hashes) => hashes.map(() => ({ seeders: 1, leechers: 2, completed: 3 })),
    };
    const frontend = await UdpFrontend.listen(
      logic,
      silentLogger,
      { host: '127.0.0.1', port: 0, ...options },
      open,
    );
    opened.push(() => frontend.close());
    return { frontend, asked };
  }

  interface Asker {
    readonly socket: Socket;
    send(packet: Uint8Array): void;
    /** Sends, and takes the next packet that comes. */
    ask(packet: Uint8Array): Promise<Buffer>;
    connect(): Promise<bigint>;
  }

  async function asker({ frontend }: Started, from = '127.0.0.1', to = from): Promise<Asker> {
    const socket = createSocket(from.includes(':') ? 'udp6' : 'udp4');
    opened.push(() => socket.close());
    socket.bind(0, from);
    await once(socket, 'listening');
    const send = (packet: Uint8Array) => socket.send(packet, frontend.port, to);
    const ask = async (packet: Uint8Array) => {
      const answer = once(socket, 'message') as Promise<[Buffer]>;
      send(packet);
      return (await answer)[0];
    };
    const connect = async () => {
      const answer = parseUdpAnswer(await ask(encodeUdpConnect(1)), 4);
      if (answer?.type !== 'connect') throw new Error('no connection ID came');
      return answer.connection;
    };
    return { socket, send, ask, connect };
  }

  function reason(answer: UdpAnswer | undefined): string {
    return answer?.type === 'error' ? answer.error.message : `no error: ${answer?.type}`;
  }

  it('answers whoever has shown where it is', async () => {
    const started = await start();
    const { ask, connect } = await asker(started);
    const connection = await connect();
    const packet = await ask(encodeUdpAnnounce(connection, 5, { ...REQUEST, event: 'started', numWant: 30 }));
    expect(parseUdpAnswer(packet, 4)).toMatchObject({
      type: 'announce',
      transaction: 5,
      response: { interval: 100, seeders: 2, leechers: 3 },
    });
    expect(started.asked).toEqual([
      {
        request: { ...REQUEST, key: 0, event: 'started', numWant: 30 },
        asking: {
          frontend: 'udp',
          address: Uint8Array.of(127, 0, 0, 1),
          families: 'own',
          details: false,
          announceKey: '',
          pixwire: true,
        },
      },
    ]);
    const scraped = parseUdpAnswer(await ask(encodeUdpScrape(connection, 6, Array(74).fill(HASH))), 4);
    expect(scraped?.type === 'scrape' && scraped.entries).toEqual(
      Array(74).fill({ seeders: 1, leechers: 2, completed: 3 }),
    );
  });

  it('takes an ID from the address alone that it was given to, and says so in few bytes', async () => {
    const started = await start();
    const connection = await (await asker(started)).connect();
    const other = await asker(started, '127.0.0.2', '127.0.0.1');
    const packet = await other.ask(encodeUdpAnnounce(connection, 5, REQUEST));
    expect(reason(parseUdpAnswer(packet, 4))).toBe('connect again');
    expect(packet.length).toBeLessThan(36);
    expect(started.asked).toEqual([]);
    expect(started.frontend.refused).toEqual({ malformed: 0, connection: 1, busy: 0 });
  });

  it('sends no more peers than fit one packet', async () => {
    const { ask, connect } = await asker(await start());
    const packet = await ask(encodeUdpAnnounce(await connect(), 5, { ...REQUEST, numWant: 100_000 }));
    expect(packet.length).toBe(20 + 242 * 6);
    expect(packet.length + 28).toBeLessThanOrEqual(1500);
  });

  it('finds the announce key in the URL (BEP 41)', async () => {
    const started = await start();
    const { ask, connect } = await asker(started);
    const connection = await connect();
    for (const url of ['/k3y/announce?x=1', '/announce', '/a/b/announce']) {
      const option = Buffer.concat([Uint8Array.of(2, url.length), Buffer.from(url)]);
      await ask(Buffer.concat([encodeUdpAnnounce(connection, 5, REQUEST), option]));
    }
    expect(started.asked.map(({ asking }) => asking.announceKey)).toEqual(['k3y', '', '']);
  });

  it.each<[string, readonly string[], number[]]>([
    ['does not believe', [], [127, 0, 0, 1]],
    ['believes, where it was told to,', ['127.0.0.0/8'], [192, 0, 2, 9]],
  ])('%s where a peer says it is', async (_, trustedProxies, address) => {
    const started = await start({ trustedProxies });
    const { ask, connect } = await asker(started);
    await ask(encodeUdpAnnounce(await connect(), 5, { ...REQUEST, ip: '192.0.2.9' }));
    expect(started.asked[0]!.asking.address).toEqual(Uint8Array.from(address));
  });

  it.each([
    [
      'at once',
      (error: Error) => {
        throw error;
      },
    ],
    ['later', (error: Error) => Promise.reject(error)],
  ])('says %s why the tracker refuses, and that it has a fault, not which', async (_, refuse) => {
    const failures = [new RefusedError('not-served', 'not here'), new TypeError('secret')];
    const started = await start({}, () => refuse(failures.shift()!));
    const { ask, connect } = await asker(started);
    const connection = await connect();
    const announce = encodeUdpAnnounce(connection, 5, REQUEST);
    expect(reason(parseUdpAnswer(await ask(announce), 4))).toBe('not here');
    expect(reason(parseUdpAnswer(await ask(announce), 4))).toBe('the tracker has a fault');
  });

  it('gives garbage no answer, and goes on', async () => {
    const started = await start();
    const { send, ask, connect, socket } = await asker(started);
    const connection = await connect();
    let answers = 0;
    socket.on('message', () => answers++);
    const announce = encodeUdpAnnounce(connection, 5, REQUEST);
    const packets = fc.sample(
      fc.oneof(
        fc.uint8Array({ maxLength: 15 }),
        fc.nat(97).map((length) => announce.slice(0, length)),
        fc
          .uint8Array({ minLength: 3000, maxLength: 3000 })
          .map((tail) => Buffer.concat([Buffer.alloc(16, 9), tail])),
      ),
      200,
    );
    for (const packet of packets) send(packet);
    await ask(encodeUdpConnect(9));
    expect(started.frontend.refused.malformed).toBe(200);
    expect(answers).toBe(1);
  });

  it.runIf(hasIpv6)('listens on both families, by one port, and answers each with its own', async () => {
    const started = await start({ host: undefined as never });
    const answers = [];
    for (const [from, length] of [
      ['127.0.0.1', 4],
      ['::1', 16],
    ] as const) {
      const { ask, connect } = await asker(started, from);
      const packet = await ask(encodeUdpAnnounce(await connect(), 5, REQUEST));
      answers.push([packet.length, started.asked.at(-1)!.asking.address.length]);
      expect(packet[20]).toBe(length === 4 ? 4 : 6);
    }
    expect(answers).toEqual([
      [20 + 242 * 6, 4],
      [20 + 79 * 18, 16],
    ]);
  });

  it('says that its port is taken', async () => {
    const { frontend } = await start();
    await expect(start({ port: frontend.port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      syscall: 'bind',
    });
  });

  it('answers what was asked before it closes', async () => {
    const ready = Promise.withResolvers<void>();
    const started = await start({}, () => ready.promise);
    const { ask, connect } = await asker(started);
    const answer = ask(encodeUdpAnnounce(await connect(), 5, REQUEST));
    await expect.poll(() => started.asked.length).toBe(1);
    const closed = started.frontend.close();
    ready.resolve();
    expect(parseUdpAnswer(await answer, 4)).toMatchObject({ type: 'announce' });
    await closed;
  });

  it('answers each of many that come at once, by itself and with its own', async () => {
    const started = await start();
    const askers = await Promise.all(
      ['127.0.0.1', '127.0.0.2', '127.0.0.3'].map((from) => asker(started, from, '127.0.0.1')),
    );
    const connections = [];
    for (const { connect } of askers) connections.push(await connect());
    const answered = askers.map(({ socket }) => {
      const transactions: number[] = [];
      socket.on('message', (packet) => {
        expect(packet.length).toBe(20 + 242 * 6);
        transactions.push(packet.readUInt32BE(4));
      });
      return transactions;
    });
    const all = Array.from({ length: 60 }, (_, i) => i);
    for (const i of all)
      for (const [n, { send }] of askers.entries())
        send(encodeUdpAnnounce(connections[n]!, 1000 * n + i, REQUEST));
    await expect.poll(() => answered.map(({ length }) => length)).toEqual([60, 60, 60]);
    expect(answered).toEqual([0, 1, 2].map((n) => all.map((i) => 1000 * n + i)));
    const ports = new Set(started.asked.map(({ asking }) => asking.address.join('.')));
    expect([...ports].sort()).toEqual(['127.0.0.1', '127.0.0.2', '127.0.0.3']);
    expect(started.frontend.unsent).toBe(0);
  });
});
