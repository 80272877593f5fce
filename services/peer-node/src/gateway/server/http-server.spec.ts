import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogFields, type Logger, silentLogger } from '@pixtorrent/core';
import { systemTimers, TlsFiles } from '@pixtorrent/service-kit';
import { TestAuthority } from '@pixtorrent/testkit';
import { afterEach, expect, it } from 'vitest';
import type { HttpRoute } from './http-route.ts';
import { HttpServer, type HttpServerOptions } from './http-server.ts';

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function serve(
  route: Partial<HttpRoute>,
  options: Partial<HttpServerOptions> = {},
  logger: Logger = silentLogger,
): Promise<HttpServer> {
  const routes: HttpRoute[] = [
    { methods: ['GET'], prefix: ['a'], handle: async () => {}, problemOf: () => undefined, ...route },
  ];
  const server = await HttpServer.listen({ host: '127.0.0.1', port: 0, routes, ...options }, logger);
  opened.push(() => server.close(0));
  return server;
}

it('serves within TLS', async () => {
  const authority = new TestAuthority();
  const { key, certificate } = authority.issue({ hosts: ['127.0.0.1'] });
  const folder = await mkdtemp(join(tmpdir(), 'pix-http-'));
  opened.push(() => rm(folder, { recursive: true }));
  const paths = { key: join(folder, 'key.pem'), certificate: join(folder, 'certificate.pem') };
  await writeFile(paths.key, key);
  await writeFile(paths.certificate, certificate);
  const tls = new TlsFiles({ timers: systemTimers, logger: silentLogger }, { name: 'test', paths });
  opened.push(() => tls.close());
  const server = await serve({ handle: async ({ response }) => void response.end('within') }, { tls });
  const url = `https://127.0.0.1:${server.port}/a`;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    httpsGet(url, { ca: authority.certificate, agent: false }, resolve).on('error', reject);
  });
  expect(String(await once(answer, 'data'))).toBe('within');
  await expect(fetch(url.replace('https', 'http'))).rejects.toThrow();
});

it('asks for a body only when it is to be read', async () => {
  let read = 0;
  const server = await serve({
    methods: ['PUT'],
    async handle({ request, response, target, ...exchange }) {
      if (target.segments[1] === 'refused') throw new Error('no');
      exchange.continue();
      for await (const chunk of request) read += chunk.length;
      response.end('taken');
    },
    problemOf: () => ({ status: 403 }),
  });
  const put = (path: string): Promise<{ answer: IncomingMessage; asked: boolean }> =>
    new Promise((resolve, reject) => {
      const request = httpRequest({
        host: '127.0.0.1',
        port: server.port,
        method: 'PUT',
        path,
        headers: { expect: '100-continue', 'content-length': 5 },
      });
      let asked = false;
      request.on('error', reject).on('continue', () => {
        asked = true;
        request.end('hello');
      });
      request.on('response', (answer) => {
        answer.resume();
        request.destroy();
        resolve({ answer, asked });
      });
      request.flushHeaders();
    });
  const refused = await put('/a/refused');
  expect([refused.answer.statusCode, refused.asked, read]).toEqual([403, false, 0]);
  const taken = await put('/a');
  expect([taken.answer.statusCode, taken.asked, read]).toEqual([200, true, 5]);
});

it('does not wait for a body that nobody asked for', async () => {
  const server = await serve({ handle: async ({ response }) => void response.end('answer') });
  const socket = connect(server.port, '127.0.0.1');
  opened.push(() => socket.destroy());
  let text = '';
  socket.setEncoding('latin1').on('data', (data: string) => {
    text += data;
  });
  socket.write('GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n');
  await once(socket, 'end');
  expect(text).toMatch(/^HTTP\/1\.1 200 .*connection: close.*answer$/is);
});

it('answers by 500 where it is at fault, and says why in the log alone', async () => {
  const lines: (LogFields | undefined)[] = [];
  const logger: Logger = { ...silentLogger, error: (_, fields) => void lines.push(fields) };
  const handle = async () => {
    throw new Error('secret of the house');
  };
  const server = await serve({ handle }, {}, logger);
  const answer = await fetch(`http://127.0.0.1:${server.port}/a/b`);
  expect([answer.status, await answer.text()]).toEqual([500, expect.not.stringContaining('secret')]);
  expect(lines).toEqual([{ path: '/a/b', reason: 'Error: secret of the house' }]);
});
