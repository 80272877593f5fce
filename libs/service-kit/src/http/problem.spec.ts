import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { writeProblem } from './problem.ts';

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  const server = createServer(handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

it('says what is wrong, for machines and for people', async () => {
  const port = await serve((_, response) =>
    writeProblem(response, {
      status: 404,
      type: 'urn:pixtorrent:no-such-content',
      title: 'No such content',
      detail: 'nothing here is named a\u001b[31m',
      members: { name: 'a', status: 200 },
      headers: { 'retry-after': '5', 'content-type': 'text/html' },
    }),
  );
  const response = await fetch(`http://127.0.0.1:${port}/`);
  expect([
    response.status,
    response.headers.get('content-type'),
    response.headers.get('retry-after'),
  ]).toEqual([404, 'application/problem+json', '5']);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(await response.json()).toEqual({
    type: 'urn:pixtorrent:no-such-content',
    title: 'No such content',
    status: 404,
    detail: 'nothing here is named a\ufffd[31m',
    name: 'a',
  });
});

it('needs no more than a status', async () => {
  const port = await serve((_, response) => writeProblem(response, { status: 503 }));
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).json()).toEqual({
    type: 'about:blank',
    title: 'Service Unavailable',
    status: 503,
  });
  const head = await fetch(`http://127.0.0.1:${port}/`, { method: 'HEAD' });
  expect([head.status, Number(head.headers.get('content-length')) > 0, await head.text()]).toEqual([
    503,
    true,
    '',
  ]);
});

it('cuts an answer that has begun', async () => {
  const port = await serve((_, response) => {
    response.writeHead(200, { 'content-length': 10 });
    response.write('half', () => writeProblem(response, { status: 500 }));
  });
  const response = await fetch(`http://127.0.0.1:${port}/`);
  await expect(response.text()).rejects.toThrow();
});

it('does not read on what is uploaded in vain, and keeps a connection of which nothing is to come', async () => {
  const port = await serve((_, response) => writeProblem(response, { status: 413 }));
  const upload = request({ port, host: '127.0.0.1', method: 'PUT', headers: { 'content-length': 2 ** 40 } });
  upload.on('error', () => {});
  upload.write(Buffer.alloc(100));
  const [refused] = await once(upload, 'response');
  expect([refused.statusCode, refused.headers.connection]).toEqual([413, 'close']);
  upload.destroy();
  const socket = connect(port, '127.0.0.1');
  opened.push(() => socket.destroy());
  for (let i = 0; i < 2; i++) {
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(String((await once(socket, 'data'))[0])).toContain('413');
  }
});
