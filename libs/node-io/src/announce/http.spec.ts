import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { infoHash, peerId } from '@pixtorrent/core';
import type { AnnounceRequest } from '@pixtorrent/tracker-protocol';
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
const ANSWER = 'd8:intervali60e5:peers6:\u0001\u0002\u0003\u0004\u0000\u0050e';
const open: Server[] = [];
const sockets = new Set<Socket>();

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of open.splice(0)) server.close();
});

async function listen(server: Server): Promise<string> {
  open.push(server);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/announce`;
}

const serve = (listener: RequestListener) => listen(createHttpServer(listener));
/** A server that says `speak` to whatever comes. */
const hostile = (speak: (socket: Socket) => void) =>
  listen(createServer((socket) => socket.once('data', () => speak(socket))));

describe('announce over HTTP', () => {
  it('asks and reads the answer', async () => {
    const asked: string[] = [];
    const url = await serve((request, response) => {
      asked.push(request.url!);
      response.end(Buffer.from(ANSWER, 'latin1'));
    });
    expect(await announce(`${url}?passkey=p`, { ...REQUEST, event: 'started' })).toEqual({
      interval: 60,
      peers: [{ host: '1.2.3.4', port: 80 }],
    });
    expect(asked[0]).toMatch(
      /^\/announce\?passkey=p&info_hash=(%AB){20}&peer_id=A{20}&port=6881&.*event=started/,
    );
  });

  it('scrapes', async () => {
    const url = await serve((request, response) => {
      const found = request.url!.startsWith('/scrape?info_hash=%AB');
      const figures = 'd8:completei1e10:downloadedi2e10:incompletei3ee';
      response.end(Buffer.from(found ? `d5:filesd20:${'\u00ab'.repeat(20)}${figures}ee` : 'x', 'latin1'));
    });
    expect(await scrape(url, [HASH])).toEqual([{ seeders: 1, completed: 2, leechers: 3 }]);
    await expect(scrape(url.replace('announce', 'a'), [HASH])).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('follows three redirects and no more', async () => {
    const url = await serve((request, response) => {
      const left = Number(/left=(\d)/.exec(request.url!)?.[1]);
      if (left === 0) return response.end(Buffer.from(ANSWER, 'latin1'));
      response.writeHead(302, { Location: request.url!.replace(/left=\d/, `left=${left - 1}`) }).end();
    });
    expect((await announce(url, { ...REQUEST, left: 3 })).interval).toBe(60);
    await expect(announce(url, { ...REQUEST, left: 4 })).rejects.toMatchObject({ code: 'refused' });
  });

  it.each(['file:///etc/passwd', 'ftp://127.0.0.1/', 'data:text/plain,de', 'http://a:b@127.0.0.1/'])(
    'is not redirected to %s, and does not begin there',
    async (target) => {
      const url = await serve((_, response) => response.writeHead(301, { Location: target }).end());
      await expect(announce(url, REQUEST)).rejects.toMatchObject({ code: 'unsupported' });
      await expect(announce(target, REQUEST)).rejects.toMatchObject({ code: 'unsupported' });
    },
  );

  it('says what a tracker says, whatever the status', async () => {
    let answer: [number, string] = [200, 'd14:failure reason6:closede'];
    const url = await serve((_, response) => response.writeHead(answer[0]).end(answer[1]));
    const refused = (message: string) => ({ code: 'refused', message });
    await expect(announce(url, REQUEST)).rejects.toMatchObject(refused('closed'));
    answer = [403, 'd14:failure reason6:closede'];
    await expect(announce(url, REQUEST)).rejects.toMatchObject(refused('closed'));
    answer = [503, '<html>busy</html>'];
    await expect(announce(url, REQUEST)).rejects.toMatchObject(refused('HTTP status 503'));
    answer = [200, '<html>hello</html>'];
    await expect(announce(url, REQUEST)).rejects.toMatchObject({ code: 'malformed' });
  });

  it('reads no further than its limit, packed or not, announced or not', async () => {
    let sent = 0;
    const endless = await hostile((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const more = () => {
        while (!socket.destroyed && socket.write(`10000\r\n${'a'.repeat(0x10000)}\r\n`)) sent += 0x10000;
      };
      socket.on('drain', more);
      more();
    });
    await expect(announce(endless, REQUEST)).rejects.toMatchObject({ code: 'too-large' });
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    const packed = await serve((_, response) =>
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(bomb),
    );
    await expect(announce(packed, REQUEST)).rejects.toMatchObject({ code: 'too-large' });
    const boasting = await hostile((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nd8:'),
    );
    await expect(announce(boasting, REQUEST)).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('takes garbage for what it is', async () => {
    const garbage = await hostile((socket) => socket.end('\u0000\u0001\u0002 no http at all \r\n\r\n'));
    await expect(announce(garbage, REQUEST)).rejects.toMatchObject({ code: 'malformed' });
    const headers = await hostile((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\n${'X: yyyyyyyy\r\n'.repeat(9000)}\r\n`),
    );
    await expect(announce(headers, REQUEST)).rejects.toMatchObject({ code: 'malformed' });
    const silent = await hostile((socket) => socket.end());
    await expect(announce(silent, REQUEST)).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('waits so long and no longer, for the head and for the body', async () => {
    const mute = await hostile(() => {});
    const slow = await hostile((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nd');
      const timer = setInterval(() => socket.write('1'), 20);
      socket.on('close', () => clearInterval(timer));
    });
    for (const url of [mute, slow]) {
      await expect(announce(url, REQUEST, { timeoutMs: 150 })).rejects.toMatchObject({ code: 'timeout' });
    }
  });

  it('is taken back at once', async () => {
    const mute = await hostile(() => {});
    const abort = new AbortController();
    const asked = announce(mute, REQUEST, { signal: abort.signal });
    await once(open[0]!, 'connection');
    abort.abort();
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
    await expect(announce(mute, REQUEST, { signal: abort.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });

  it('says when there is nobody', async () => {
    const url = await hostile(() => {});
    const closed = once(open[0]!, 'close');
    open.pop()!.close();
    await closed;
    await expect(announce(url, REQUEST)).rejects.toMatchObject({
      code: 'unreachable',
      message: 'ECONNREFUSED',
    });
    await expect(announce('http://no-such-host.invalid/announce', REQUEST)).rejects.toMatchObject({
      code: 'unreachable',
    });
    await expect(announce('not a url', REQUEST)).rejects.toMatchObject({ code: 'unsupported' });
  });
});
