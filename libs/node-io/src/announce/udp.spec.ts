import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { infoHash, peerId } from '@pixtorrent/core';
import {
  type AnnounceRequest,
  encodeUdpAnnounceAnswer,
  encodeUdpConnectAnswer,
  encodeUdpError,
  encodeUdpScrapeAnswer,
  parseUdpRequest,
  type UdpRequest,
} from '@pixtorrent/tracker-protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { announce, scrape } from './announce.ts';

const HASH = infoHash(new Uint8Array(20).fill(0xab));
const REQUEST: AnnounceRequest = {
  infoHash: HASH,
  peerId: peerId(new Uint8Array(20).fill(0x41)),
  port: 6881,
  uploaded: 0,
  downloaded: 0,
  left: 1,
};
const PEERS = {
  v4: Uint8Array.of(1, 2, 3, 4, 0, 80),
  v6: Uint8Array.of(0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), 1, 0, 80),
  ids: new Uint8Array(0),
  traits: new Uint8Array(0),
};
const FIGURES = { seeders: 1, leechers: 2, completed: 3 };

type Reply = (bytes: Uint8Array) => void;
const open: Socket[] = [];

afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

async function respond(
  act: (request: UdpRequest, reply: Reply, from: RemoteInfo) => void,
  address = '127.0.0.1',
): Promise<string> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  open.push(socket);
  socket.on('message', (packet, from) => {
    const request = parseUdpRequest(packet);
    if (request) act(request, (bytes) => socket.send(bytes, from.port, from.address), from);
  });
  socket.bind(0, address);
  await once(socket, 'listening');
  return `udp://${address.includes(':') ? `[${address}]` : address}:${socket.address().port}/announce`;
}

/** What an honest tracker does. */
function honest(request: UdpRequest, reply: Reply, addressLength: 4 | 16 = 4): void {
  const { transaction } = request;
  if (request.type === 'connect') {
    reply(encodeUdpConnectAnswer(transaction, 42n));
  } else if (request.connection !== 42n) {
    reply(encodeUdpError(transaction, 'connection ID'));
  } else if (request.type === 'scrape') {
    const entries = Array(request.infoHashes.length).fill(FIGURES);
    reply(encodeUdpScrapeAnswer(transaction, entries));
  } else {
    const answer = { interval: 120, minInterval: 5, seeders: 1, leechers: 1, peers: PEERS };
    reply(encodeUdpAnnounceAnswer(transaction, answer, addressLength));
  }
}

/** What the honest tracker's answer says, apart from the peers. */
const HEARD = { interval: 120, seeders: 1, leechers: 1 };
const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

describe('announce over UDP', () => {
  it('asks and reads the answer', async () => {
    const url = await respond((request, reply) => honest(request, reply));
    const expected = { ...HEARD, peers: [{ host: '1.2.3.4', port: 80 }] };
    expect(await announce(url, REQUEST)).toEqual(expected);
    expect(await announce(url.replace('127.0.0.1', 'localhost'), REQUEST)).toEqual(expected);
  });

  it.skipIf(!hasIpv6)('reads IPv6 peers where it asks over IPv6', async () => {
    const url = await respond((request, reply) => honest(request, reply, 16), '::1');
    expect(await announce(url, REQUEST)).toEqual({ ...HEARD, peers: [{ host: '2001:db8::1', port: 80 }] });
  });

  it('scrapes', async () => {
    const url = await respond((request, reply) => honest(request, reply));
    expect(await scrape(url, [HASH, HASH])).toEqual([FIGURES, FIGURES]);
    await expect(scrape(url, Array(75).fill(HASH))).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('repeats what was lost', async () => {
    const seen: string[] = [];
    const url = await respond((request, reply) => {
      seen.push(request.type);
      if (seen.length === 2 || seen.length > 3) honest(request, reply);
    });
    expect((await announce(url, REQUEST, { timeoutMs: 2000 })).interval).toBe(120);
    expect(seen).toEqual(['connect', 'connect', 'announce', 'announce']);
  });

  it('is not fooled by forged answers: wrong transaction, wrong sender, garbage', async () => {
    const stranger = createSocket('udp4');
    open.push(stranger);
    stranger.bind(0, '127.0.0.1');
    await once(stranger, 'listening');
    const url = await respond((request, reply, from) => {
      reply(new Uint8Array(0));
      reply(Uint8Array.from({ length: 300 }, (_, i) => i));
      reply(encodeUdpConnectAnswer(request.transaction ^ 1, 666n));
      reply(encodeUdpError(request.transaction ^ 1, 'forged'));
      const forged = encodeUdpError(request.transaction, 'forged');
      stranger.send(forged, from.port, from.address, () => honest(request, reply));
    });
    expect((await announce(url, REQUEST)).peers).toEqual([{ host: '1.2.3.4', port: 80 }]);
  });

  it('says what the tracker says', async () => {
    const url = await respond((request, reply) => reply(encodeUdpError(request.transaction, 'closed')));
    await expect(announce(url, REQUEST)).rejects.toMatchObject({ code: 'refused', message: 'closed' });
  });

  it('gives up in time, is taken back at once, and says when there is nobody', async () => {
    const abort = new AbortController();
    let mute = true;
    const url = await respond(() => mute || abort.abort());
    await expect(announce(url, REQUEST, { timeoutMs: 200 })).rejects.toMatchObject({ code: 'timeout' });
    mute = false;
    await expect(announce(url, REQUEST, { signal: abort.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    const closed = once(open[0]!, 'close');
    open.pop()!.close();
    await closed;
    await expect(announce(url, REQUEST)).rejects.toMatchObject({ code: 'unreachable' });
    await expect(announce('udp://no-such-host.invalid:80', REQUEST)).rejects.toMatchObject({
      code: 'unreachable',
    });
    await expect(announce('udp://127.0.0.1', REQUEST)).rejects.toMatchObject({ code: 'unsupported' });
  });
});
