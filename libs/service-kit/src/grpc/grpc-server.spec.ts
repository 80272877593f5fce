import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type Client,
  credentials,
  Metadata,
  makeGenericClientConstructor,
  type ServerUnaryCall,
  type ServiceDefinition,
  type ServiceError,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import fc from 'fast-check';
import { service as healthService } from 'grpc-health-check';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { filesOf } from './descriptor-set.ts';
import { GrpcServer, type GrpcServerOptions } from './grpc-server.ts';
import { toServiceError, unary } from './handlers.ts';
import { DETAILS_TRAILER } from './rich-status.ts';
import { invalid, StatusError } from './status-error.ts';

const BUF = join(import.meta.dirname, '../../../../node_modules/.bin/buf');
const ECHO = `syntax = "proto3";
package sample.v1;
service EchoService { rpc Echo(EchoRequest) returns (EchoResponse); }
message EchoRequest { string text = 1; }
message EchoResponse { string text = 1; }
`;
/** As google's, with the fields that are used. */
const STATUS = `syntax = "proto3";
package google.rpc;
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
message Status { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3; }
message BadRequest {
  message FieldViolation { string field = 1; string description = 2; }
  repeated FieldViolation field_violations = 1;
}
message RetryInfo { google.protobuf.Duration retry_delay = 1; }
`;

const bytes = (value: Buffer): Buffer => value;
const codec = {
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
};
const echo = {
  echo: { path: '/sample.v1.EchoService/Echo', requestStream: false, responseStream: false, ...codec },
  repeat: { path: '/sample.v1.EchoService/Repeat', requestStream: true, responseStream: true, ...codec },
} satisfies ServiceDefinition;

let folder: string;
let descriptors: string;
const opened: (() => unknown)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtorrent-'));
  await writeFile(join(folder, 'echo.proto'), ECHO);
  await writeFile(join(folder, 'status.proto'), STATUS);
  await buf('build', folder, '--path', join(folder, 'echo.proto'), '-o', join(folder, 'set.binpb'));
  descriptors = (await readFile(join(folder, 'set.binpb'))).toString('base64');
});

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

afterAll(() => rm(folder, { recursive: true }));

async function buf(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(BUF, args, { cwd: folder });
  return stdout;
}

async function serve(
  implementation: UntypedServiceImplementation,
  options: Partial<GrpcServerOptions> = {},
): Promise<GrpcServer> {
  const services = [{ definition: echo, implementation }];
  const server = await GrpcServer.listen({ host: '127.0.0.1', port: 0, services, descriptors, ...options });
  opened.push(() => server.drain(0));
  return server;
}

// biome-ignore lint/suspicious/noExplicitAny: a generic client has the methods of its definition
function client(server: GrpcServer, definition: ServiceDefinition = echo): any {
  const Constructor = makeGenericClientConstructor(definition, 'sample');
  const created: Client = new Constructor(`127.0.0.1:${server.port}`, credentials.createInsecure(), {
    'grpc.enable_retries': 0,
    'grpc.max_send_message_length': -1,
  });
  opened.push(() => created.close());
  return created;
}

function call(server: GrpcServer, request: Buffer = Buffer.alloc(0)): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client(server).echo(request, (error: ServiceError | null, answer: Buffer) =>
      error === null ? resolve(answer) : reject(error),
    );
  });
}

async function failure(server: GrpcServer, request?: Buffer): Promise<ServiceError> {
  return call(server, request).then(
    () => {
      throw new Error('the call succeeded');
    },
    (error: ServiceError) => error,
  );
}

describe('a handler that throws', () => {
  it('tells which fields are wrong and when to come back, as any gRPC client reads it', async () => {
    const server = await serve({
      echo: unary(async () => {
        throw new StatusError('RESOURCE_EXHAUSTED', 'too\u001b[31m often', {
          fields: [
            { field: 'labels.zone', description: 'is longer than 63 bytes' },
            { field: 'port', description: '\u0000' },
          ],
          retryAfter: 61_234.2,
        });
      }),
    });
    const error = await failure(server);
    expect([error.code, error.details]).toEqual([status.RESOURCE_EXHAUSTED, 'too\ufffd[31m often']);
    await writeFile(join(folder, 'details.binpb'), error.metadata.get(DETAILS_TRAILER)[0] as Buffer);
    const decoded = await buf(
      'convert',
      'status.proto',
      '--type',
      'google.rpc.Status',
      '--from',
      'details.binpb',
      '--to',
      '-#format=json',
    );
    expect(JSON.parse(decoded)).toEqual({
      code: 8,
      message: 'too\ufffd[31m often',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.BadRequest',
          fieldViolations: [
            { field: 'labels.zone', description: 'is longer than 63 bytes' },
            { field: 'port', description: '\ufffd' },
          ],
        },
        { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '61.235s' },
      ],
    });
  });

  it('keeps what it tells below 8 KiB, however much is wrong', async () => {
    const fields = Array.from({ length: 1000 }, (_, i) => ({
      field: `info_hashes[${i}]${'é'.repeat(1000)}`,
      description: '✓'.repeat(1000),
    }));
    const server = await serve({
      echo: unary(async () => {
        throw invalid(fields);
      }),
    });
    const { code, details, metadata } = await failure(server);
    expect(code).toBe(status.INVALID_ARGUMENT);
    const base64 = (metadata.get(DETAILS_TRAILER)[0] as Buffer).toString('base64');
    expect(encodeURIComponent(details).length + base64.length).toBeLessThan(8192);
  });

  it('says nothing of a fault of ours, and what a mapper knows as that has it', async () => {
    const server = await serve({
      echo: unary(
        async (request: Buffer) => {
          throw new Error(request.toString());
        },
        (error) => ((error as Error).message === 'full' ? new StatusError('UNAVAILABLE', 'full') : undefined),
      ),
    });
    const fault = await failure(server, Buffer.from('password=hunter2'));
    expect([fault.code, fault.details]).toEqual([status.INTERNAL, 'the service has a fault']);
    expect(await failure(server, Buffer.from('full'))).toMatchObject({
      code: status.UNAVAILABLE,
      details: 'full',
    });
  });

  it('ends a stream the same way', async () => {
    const server = await serve({
      repeat: (stream: NodeJS.EventEmitter) => {
        stream.emit('error', toServiceError(invalid([{ field: 'text', description: 'is empty' }])));
      },
    });
    const stream = client(server).repeat();
    stream.on('data', () => {});
    const [error] = await once(stream, 'error');
    expect(error).toMatchObject({ code: status.INVALID_ARGUMENT, details: 'text: is empty' });
    expect(error.metadata.get(DETAILS_TRAILER)).toHaveLength(1);
  });
});

it('tells of itself by reflection, to a client that knows nothing', async () => {
  const server = await serve({ echo: unary(async (request: Buffer) => request) });
  const base = `http://127.0.0.1:${server.port}`;
  const protocol = ['--protocol', 'grpc', '--http2-prior-knowledge'];
  expect(await buf('curl', ...protocol, '--list-services', base)).toBe('sample.v1.EchoService\n');
  const answer = await buf(
    'curl',
    ...protocol,
    '-d',
    '{"text": "hello"}',
    `${base}/sample.v1.EchoService/Echo`,
  );
  expect(JSON.parse(answer)).toEqual({ text: 'hello' });
});

it('tells the health of each of its services', async () => {
  const server = await serve({ echo: unary(async (request: Buffer) => request) });
  const check = (name: string): Promise<string | number> =>
    new Promise((resolve) =>
      client(server, healthService).check(
        { service: name },
        (error: ServiceError | null, answer: { status: string }) =>
          resolve(error === null ? answer.status : error.code),
      ),
    );
  expect(await check('')).toBe('SERVING');
  expect(await check('sample.v1.EchoService')).toBe('SERVING');
  expect(await check('sample.v1.Other')).toBe(status.NOT_FOUND);
  server.setServing('sample.v1.EchoService', false);
  expect(await check('sample.v1.EchoService')).toBe('NOT_SERVING');
});

describe('limits', () => {
  it('takes a request of 20 MiB, and refuses a larger one', async () => {
    const server = await serve({ echo: unary(async (request: Buffer) => Buffer.from(`${request.length}`)) });
    expect((await call(server, Buffer.alloc(20 * 2 ** 20))).toString()).toBe(`${20 * 2 ** 20}`);
    expect((await failure(server, Buffer.alloc(20 * 2 ** 20 + 1))).code).toBe(status.RESOURCE_EXHAUSTED);
  });

  it('closes connections beyond the limit, and counts those that are open', async () => {
    const server = await serve({}, { limits: { maxConnections: 2 } });
    const sockets = [1, 2, 3].map(() => connect(server.port, '127.0.0.1'));
    for (const socket of sockets) opened.push(() => socket.destroy());
    for (const socket of sockets) socket.on('error', () => {}).resume();
    await expect.poll(() => sockets.filter(({ closed }) => closed).length).toBe(1);
    expect(server.connections).toBe(2);
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => server.connections).toBe(0);
  });

  it('closes connections on which nothing is asked', async () => {
    const server = await serve({}, { limits: { maxIdle: 50 } });
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => {}).resume();
    await once(socket, 'close');
    await expect.poll(() => server.connections).toBe(0);
  });

  it('lives through bytes that are no HTTP/2', async () => {
    const server = await serve({ echo: unary(async (request: Buffer) => request) });
    const garbage = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 200 }), { numRuns: 200, seed: 1 });
    for (const piece of garbage) {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => {}).resume();
      socket.end(piece);
      await once(socket, 'close');
    }
    expect((await call(server, Buffer.from('still here'))).toString()).toBe('still here');
    await expect.poll(() => server.connections).toBeLessThanOrEqual(1);
  });
});

describe('draining', () => {
  it('answers what is in flight, and takes nothing more', async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<Buffer>();
    const server = await serve({
      echo: unary(() => {
        asked.resolve();
        return answer.promise;
      }),
    });
    const { port } = server;
    const inFlight = call(server);
    await asked.promise;
    const drained = server.drain(10_000);
    const late = connect(port, '127.0.0.1');
    const [refused] = await once(late, 'error');
    expect(refused.code).toBe('ECONNREFUSED');
    answer.resolve(Buffer.from('answered'));
    expect((await inFlight).toString()).toBe('answered');
    expect(await drained).toBe(true);
  });

  it('tells those who watch its health at once, and does not wait for them', async () => {
    const server = await serve({});
    const watched = client(server, healthService).watch({ service: 'sample.v1.EchoService' });
    const told: string[] = [];
    watched.on('data', ({ status: said }: { status: string }) => told.push(said)).on('error', () => {});
    await expect.poll(() => told).toEqual(['SERVING']);
    const ended = once(watched, 'end');
    expect(await server.drain(60_000)).toBe(true);
    await ended;
    expect(told).toEqual(['SERVING', 'NOT_SERVING']);
  });

  it('cuts off what does not end in time', async () => {
    const started = Promise.withResolvers<ServerUnaryCall<Buffer, Buffer>>();
    const server = await serve({
      echo: unary((_: Buffer, inFlight: ServerUnaryCall<Buffer, Buffer>) => {
        started.resolve(inFlight);
        return new Promise<Buffer>(() => {});
      }),
    });
    const inFlight: Promise<ServiceError> = failure(server);
    await started.promise;
    expect(await server.drain(20)).toBe(false);
    expect([status.UNAVAILABLE, status.CANCELLED]).toContain((await inFlight).code);
  });
});

it('says why it cannot listen', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  opened.push(() => other.close());
  const { port } = other.address() as AddressInfo;
  await expect(serve({}, { port })).rejects.toMatchObject({ code: 'EADDRINUSE', syscall: 'listen', port });
});

it('answers a handler that never does by DEADLINE_EXCEEDED', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const callback = vi.fn();
    const inFlight = { request: Buffer.alloc(0), metadata: new Metadata() };
    const late = Promise.withResolvers<Buffer>();
    unary(() => late.promise)(inFlight as never, callback);
    vi.advanceTimersByTime(30_000);
    late.resolve(Buffer.alloc(0));
    await new Promise(setImmediate);
    expect(callback.mock.calls).toEqual([[expect.objectContaining({ code: status.DEADLINE_EXCEEDED })]]);
  } finally {
    vi.useRealTimers();
  }
});

describe('a descriptor set', () => {
  it('is taken apart into its files', () => {
    expect(filesOf(Buffer.from([0x0a, 2, 1, 2, 0x0a, 0]))).toEqual([Buffer.from([1, 2]), Buffer.alloc(0)]);
    expect(filesOf(new Uint8Array(0))).toEqual([]);
  });

  it('that is none is refused, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (garbage) => {
        try {
          expect(filesOf(garbage).reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(
            garbage.length,
          );
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 10_000 },
    );
  });
});
