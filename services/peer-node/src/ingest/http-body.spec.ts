import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { silentLogger } from '@pixtorrent/core';
import { systemTimers } from '@pixtorrent/service-kit';
import { afterEach, expect, it } from 'vitest';
import { HttpServer } from '../gateway/server/http-server.ts';
import { bodyOf } from './http-body.ts';
import { putProblem } from './http-problem.ts';

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** A server that reads what is put, and what it had read when that was over. */
async function reader(idle: number, stop = new AbortController()) {
  const begun = Promise.withResolvers<void>();
  const over = Promise.withResolvers<number>();
  const server = await HttpServer.listen(
    {
      host: '127.0.0.1',
      port: 0,
      routes: [
        {
          methods: ['PUT'],
          prefix: ['a'],
          problemOf: putProblem,
          async handle({ request, response, signal }) {
            let read = 0;
            const until = AbortSignal.any([signal, stop.signal]);
            try {
              for await (const chunk of bodyOf(request, { idle, timers: systemTimers, signal: until })) {
                read += chunk.length;
                begun.resolve();
              }
            } finally {
              over.resolve(read);
            }
            response.end('taken');
          },
        },
      ],
    },
    silentLogger,
  );
  opened.push(() => server.close(0));
  const socket = connect(server.port, '127.0.0.1');
  opened.push(() => socket.destroy());
  socket.write('PUT /a HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhello');
  return { socket, begun: begun.promise, read: over.promise, stop };
}

async function answerOf(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (data: string) => {
    text += data;
  });
  await once(socket, 'end');
  return text;
}

it('tells a client that sends no more, and closes the connection', async () => {
  const { socket, read } = await reader(50);
  expect(await answerOf(socket)).toMatch(
    /^HTTP\/1\.1 408 .*connection: close.*"detail":"nothing came for 0.05 s"/is,
  );
  expect(await read).toBe(5);
});

it('ends with what it is taken for', async () => {
  const { socket, stop } = await reader(60_000);
  stop.abort(Object.assign(new Error('full'), { code: 'ENOSPC' }));
  expect(await answerOf(socket)).toMatch(/^HTTP\/1\.1 507 /);
});

it('ends when the client has gone', async () => {
  const { socket, begun, read } = await reader(60_000);
  await begun;
  socket.destroy();
  expect(await read).toBe(5);
});
