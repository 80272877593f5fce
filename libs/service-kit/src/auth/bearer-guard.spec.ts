import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Client,
  credentials,
  Metadata,
  makeGenericClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { type LogFields, type Logger, silentLogger } from '@pixtorrent/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GrpcServer } from '../grpc/grpc-server.ts';
import { unary } from '../grpc/handlers.ts';
import { Metrics } from '../metrics/metrics.ts';
import { BearerGuard } from './bearer-guard.ts';
import { BearerTokens } from './bearer-tokens.ts';
import { Refusals } from './refusals.ts';

const TOKEN = 'a-token-0123456789';

let now = 0;
let lines: (LogFields | undefined)[];
let metrics: Metrics;
let guard: BearerGuard;
const opened: (() => unknown)[] = [];

beforeEach(() => {
  now = 0;
  lines = [];
  metrics = new Metrics('test');
  const logger: Logger = { ...silentLogger, warn: (_, fields) => void lines.push(fields) };
  const refusals = new Refusals({ clock: { now: () => now }, logger, metrics });
  guard = new BearerGuard(BearerTokens.fromText(TOKEN), refusals);
});

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

describe('a gRPC server', () => {
  const bytes = (value: Buffer): Buffer => value;
  const codec = {
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
  const definition = {
    look: { path: '/sample.v1.Sample/Look', requestStream: false, responseStream: false, ...codec },
    change: { path: '/sample.v1.Sample/Change', requestStream: false, responseStream: false, ...codec },
    upload: { path: '/sample.v1.Sample/Upload', requestStream: true, responseStream: false, ...codec },
    watch: { path: '/sample.v1.Sample/Watch', requestStream: false, responseStream: true, ...codec },
    talk: { path: '/sample.v1.Sample/Talk', requestStream: true, responseStream: true, ...codec },
  };
  let handled: string[];
  // biome-ignore lint/suspicious/noExplicitAny: a generic client has the methods of its definition
  let calls: any;

  beforeEach(async () => {
    handled = [];
    const answer = (name: string) => async () => {
      handled.push(name);
      return Buffer.from(name);
    };
    const implementation = {
      look: unary(answer('look')),
      change: unary(answer('change')),
      // biome-ignore lint/suspicious/noExplicitAny: as the definition has them
      upload: (call: any, done: any) => {
        handled.push('upload');
        call.on('data', () => {}).on('end', () => done(null, Buffer.from('upload')));
      },
      // biome-ignore lint/suspicious/noExplicitAny: as the definition has them
      watch: (call: any) => {
        handled.push('watch');
        call.write(Buffer.from('watch'));
        call.end();
      },
      // biome-ignore lint/suspicious/noExplicitAny: as the definition has them
      talk: (call: any) => {
        handled.push('talk');
        call.write(Buffer.from('talk'));
        call.end();
      },
    };
    const server = await GrpcServer.listen({
      host: '127.0.0.1',
      port: 0,
      services: [{ definition, implementation }],
      descriptors: '',
      interceptors: [guard.interceptor((path) => path !== definition.look.path)],
    });
    opened.push(() => server.drain(0));
    const Constructor = makeGenericClientConstructor(definition, 'sample');
    const created: Client = new Constructor(`127.0.0.1:${server.port}`, credentials.createInsecure(), {
      'grpc.enable_retries': 0,
    });
    opened.push(() => created.close());
    calls = created;
  });

  /** Calls a method. @returns its answer, or how it failed */
  function outcome(method: keyof typeof definition, authorization?: string): Promise<string | ServiceError> {
    const metadata = new Metadata();
    if (authorization !== undefined) metadata.set('authorization', authorization);
    const { requestStream, responseStream } = definition[method];
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, answer?: Buffer) => resolve(error ?? String(answer));
      const request = requestStream ? [] : [Buffer.alloc(10)];
      const call = calls[method](...request, metadata, ...(responseStream ? [] : [done]));
      if (responseStream) call.on('data', (answer: Buffer) => resolve(String(answer))).on('error', resolve);
      if (requestStream) {
        call.on('error', () => {});
        call.write(Buffer.alloc(10));
        call.end();
      }
    });
  }

  it.each(['change', 'upload', 'watch', 'talk'] as const)(
    'does not %s without a known token',
    async (method) => {
      expect(await outcome(method)).toMatchObject({
        code: status.UNAUTHENTICATED,
        details: 'a bearer token is wanted here: authorization: Bearer TOKEN',
      });
      expect(await outcome(method, 'Bearer another-token-0123456789')).toMatchObject({
        code: status.UNAUTHENTICATED,
        details: 'the bearer token is not known here',
      });
      expect(handled).toEqual([]);
      expect(await outcome(method, `Bearer ${TOKEN}`)).toBe(method);
    },
  );

  it('lets anyone do what is not guarded', async () => {
    expect(await outcome('look')).toBe('look');
    expect(lines).toEqual([]);
  });

  it('counts all refusals, and logs one of them in ten seconds', async () => {
    for (let i = 0; i < 20; i++) await outcome('change', 'Bearer guess-0123456789-no');
    now = 9_999;
    await outcome('change');
    now = 10_000;
    await outcome('talk');
    expect(lines).toEqual([
      {
        via: 'grpc',
        reason: 'wrong',
        from: expect.stringContaining('127.0.0.1'),
        what: '/sample.v1.Sample/Change',
        unlogged: 0,
      },
      {
        via: 'grpc',
        reason: 'missing',
        from: expect.stringContaining('127.0.0.1'),
        what: '/sample.v1.Sample/Talk',
        unlogged: 20,
      },
    ]);
    const text = await metrics.read();
    expect(text).toContain('pixtorrent_test_auth_refusals_total{via="grpc",reason="wrong"} 20\n');
    expect(text).toContain('pixtorrent_test_auth_refusals_total{via="grpc",reason="missing"} 2\n');
  });
});

describe('an HTTP server', () => {
  it('answers by 401 what comes without a known token', async () => {
    const server = createServer((request, response) => {
      if (guard.admits(request, response)) response.end('done');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    opened.push(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/content/a%0ab`;
    const ask = (authorization?: string) =>
      fetch(url, { method: 'PUT', body: 'data', ...(authorization && { headers: { authorization } }) });
    const missing = await ask();
    expect([missing.status, missing.headers.get('www-authenticate')]).toEqual([
      401,
      'Bearer realm="pixtorrent"',
    ]);
    expect(missing.headers.get('content-type')).toBe('application/problem+json');
    expect(await missing.json()).toMatchObject({ status: 401, title: 'Unauthorized' });
    const wrong = await ask('Bearer another-token-0123456789');
    expect([wrong.status, wrong.headers.get('www-authenticate')]).toEqual([
      401,
      'Bearer realm="pixtorrent", error="invalid_token"',
    ]);
    const right = await ask(`Bearer ${TOKEN}`);
    expect([right.status, await right.text()]).toEqual([200, 'done']);
    expect(lines).toEqual([
      { via: 'http', reason: 'missing', from: '127.0.0.1', what: 'PUT /v1/content/a%0ab', unlogged: 0 },
    ]);
  });
});
