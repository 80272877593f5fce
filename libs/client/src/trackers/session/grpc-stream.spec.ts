import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { tracker } from '@pixtorrent/contracts';
import { TestAuthority } from '@pixtorrent/testkit';
import type { TrackerError } from '@pixtorrent/tracker-protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { grpcStreams } from './grpc-stream.ts';
import type { SessionStream } from './session-stream.ts';

const HOST = '127.0.0.1';
const HASH = Buffer.alloc(20, 1);
const CHANGE: tracker.SessionResponse = {
  message: { $case: 'change', change: { infoHash: HASH, joined: [], left: [] } },
};
const UPDATE: tracker.SessionRequest = {
  message: {
    $case: 'update',
    update: { infoHash: HASH, uploaded: 0, downloaded: 0, left: 2 ** 50, event: 3, stalled: false },
  },
};

type Call = ServerDuplexStream<Buffer, Buffer>;

const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** A server that sends bytes, so that they can be wrong. */
async function serve(session: (call: Call) => unknown, credentials = ServerCredentials.createInsecure()) {
  const server = new Server({ 'grpc.max_send_message_length': -1 });
  const raw = (value: Buffer) => value;
  const definition = {
    session: {
      ...tracker.TrackerServiceService.session,
      requestSerialize: raw,
      requestDeserialize: raw,
      responseSerialize: raw,
      responseDeserialize: raw,
    },
  };
  server.addService(definition, { session });
  opened.push(() => server.forceShutdown());
  return new Promise<number>((resolve, reject) => {
    server.bindAsync(`${HOST}:0`, credentials, (error, port) => (error ? reject(error) : resolve(port)));
  });
}

const bytes = (message: tracker.SessionResponse) =>
  Buffer.from(tracker.SessionResponse.encode(message).finish());

function connect(port: number, { host = HOST, ca }: { host?: string; ca?: string } = {}) {
  const received: tracker.SessionResponse[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<TrackerError>();
  const { promise: first, resolve: receive } = Promise.withResolvers<void>();
  const target = { host, port, secure: ca !== undefined, announceKey: '' };
  const stream: SessionStream = grpcStreams({ certificates: () => (ca === undefined ? {} : { ca }) })(
    target,
    {
      message: (message) => {
        received.push(message);
        receive();
      },
      ended: resolve,
    },
  );
  opened.push(() => stream.destroy());
  return { stream, received, first, ended };
}

describe('a session over gRPC', () => {
  it('carries messages both ways, and ends when both sides have said all', async () => {
    const heard: tracker.SessionRequest[] = [];
    const port = await serve((call) => {
      call.on('data', (data) => {
        heard.push(tracker.SessionRequest.decode(data));
        call.write(bytes(CHANGE));
      });
      call.on('end', () => call.end());
    });
    const { stream, received, ended } = connect(port);
    await stream.send(UPDATE);
    await stream.end();
    expect(heard).toEqual([UPDATE]);
    expect(received).toEqual([CHANGE]);
    expect(await ended).toMatchObject({ code: 'unreachable', message: 'the tracker has ended the session' });
  });

  it('waits where it is told to, and then goes on', async () => {
    let calls = 0;
    const port = await serve(async (call) => {
      if (++calls > 1) return call.write(bytes(CHANGE));
      const big = bytes({
        message: {
          $case: 'refusal',
          refusal: { infoHash: HASH, code: 1, reason: 'x'.repeat(100_000) },
        },
      });
      for (let i = 0; i < 200; i++) {
        if (!call.write(big)) await once(call, 'drain');
      }
      call.end();
    });
    const { stream, received, first, ended } = connect(port);
    await first;
    stream.pause();
    const before = received.length;
    // By the time that these have their messages, one after the other, more would have come here too.
    for (let i = 0; i < 20; i++) await connect(port).first;
    expect(received).toHaveLength(before);
    expect(before).toBeLessThan(200);
    stream.resume();
    await ended;
    expect(received).toHaveLength(200);
  });

  it.each([
    [status.PERMISSION_DENIED, 'go\u0007away', 'refused', 'go\ufffdaway'],
    [status.UNAVAILABLE, 'soon', 'unreachable', 'soon'],
    [status.UNIMPLEMENTED, '', 'unsupported', 'UNIMPLEMENTED'],
  ])('that the tracker ends with status %i says why, printable', async (code, details, expected, message) => {
    const port = await serve((call) => call.emit('error', { code, details }));
    expect(await connect(port).ended).toMatchObject({ code: expected, message });
  });

  it.each([
    ['no message', Buffer.from([0xff, 0xff]), 'malformed'],
    ['more than 4 MiB', Buffer.alloc(4 * 1024 * 1024 + 1), 'too-large'],
  ])('ends where %s comes', async (_what, message, code) => {
    const port = await serve((call) => call.write(message));
    const { received, ended } = connect(port);
    expect((await ended).code).toBe(code);
    expect(received).toEqual([]);
  });

  it('ends where nobody listens, or somebody who speaks no gRPC', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => {}));
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    }).listen(0, HOST);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await connect(port).ended).toMatchObject({ code: 'unreachable' });
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    const { stream, ended } = connect(port);
    void stream.send(UPDATE);
    expect((await ended).code).toBe('unreachable');
    await stream.end();
  });

  it('shows a tracker that wants to know who it is, by the certificate of the moment', async () => {
    const authority = new TestAuthority();
    const { key, certificate } = authority.issue({ hosts: ['localhost'] });
    const pair = [{ private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) }];
    const wanting = ServerCredentials.createSsl(Buffer.from(authority.certificate), pair, true);
    const port = await serve((call) => call.write(bytes(CHANGE)), wanting);
    let own: { key?: string; certificate?: string } = {};
    const open = grpcStreams({ certificates: () => ({ ca: authority.certificate, ...own }) });
    const target = { host: 'localhost', port, secure: true, announceKey: '' };
    const outcome = (): Promise<unknown> =>
      new Promise((resolve) => {
        opened.push(open(target, { message: resolve, ended: ({ code }) => resolve(code) }).destroy);
      });
    expect(await outcome()).toBe('unreachable');
    own = authority.issue({ name: 'client' });
    expect(await outcome()).toEqual(CHANGE);
  });

  it('goes over TLS, and only to who is certified', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pixtorrent-'));
    opened.push(() => rm(folder, { recursive: true }));
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    await promisify(execFile)('openssl', [...made, '-keyout', key, '-out', certificate, ...names]);
    const ca = await readFile(certificate, 'utf8');
    const pair = [{ private_key: await readFile(key), cert_chain: Buffer.from(ca) }];
    const port = await serve((call) => call.write(bytes(CHANGE)), ServerCredentials.createSsl(null, pair));
    const { received, first } = connect(port, { host: 'localhost', ca });
    await first;
    expect(received).toEqual([CHANGE]);
    const stranger = grpcStreams();
    const { promise: ended, resolve } = Promise.withResolvers<TrackerError>();
    const target = { host: 'localhost', port, secure: true, announceKey: '' };
    opened.push(stranger(target, { message: () => {}, ended: resolve }).destroy);
    expect((await ended).code).toBe('unreachable');
  });
});
