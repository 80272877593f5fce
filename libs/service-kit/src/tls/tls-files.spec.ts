import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import {
  type ChannelCredentials,
  type Client,
  credentials,
  makeGenericClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { silentLogger } from '@pixtorrent/core';
import { type IssueOptions, TestAuthority } from '@pixtorrent/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GrpcServer } from '../grpc/grpc-server.ts';
import { unary } from '../grpc/handlers.ts';
import { Metrics } from '../metrics/metrics.ts';
import { systemTimers } from '../time/system.ts';
import { TlsFiles } from './tls-files.ts';

const HOUR = 3_600_000;
const HOSTS = ['localhost', '127.0.0.1'];
const authority = new TestAuthority();
const successor = new TestAuthority('the next authority');

let folder: string;
const opened: (() => unknown)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pix-tls-'));
});

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
  await rm(folder, { recursive: true });
});

/** Writes a certificate of `by`, and `trusts` beside it. @returns their paths */
async function issued(name: string, by = authority, trusts = authority, options: IssueOptions = {}) {
  const { key, certificate } = by.issue({ name, hosts: HOSTS, ...options });
  const paths = {
    key: join(folder, `${name}.key`),
    certificate: join(folder, `${name}.crt`),
    ca: join(folder, `${name}-ca.crt`),
  };
  await writeFile(paths.key, key);
  await writeFile(paths.certificate, certificate);
  await writeFile(paths.ca, trusts.certificate);
  return paths;
}

function filesOf<P extends object>(paths: P, metrics?: Metrics): TlsFiles<P> {
  const dependencies = { timers: systemTimers, logger: silentLogger, ...(metrics && { metrics }) };
  const files = new TlsFiles(dependencies, { name: 'test', paths, period: 5 });
  opened.push(() => files.close());
  return files;
}

function changed(files: { onChange(listener: () => void): () => void }): Promise<void> {
  return new Promise((resolve) => {
    const end = files.onChange(() => {
      end();
      resolve();
    });
  });
}

describe('what cannot be used is refused:', () => {
  const past = new Date(Date.now() - HOUR);

  it.each<[string, RegExp, (paths: Awaited<ReturnType<typeof issued>>) => Promise<unknown>]>([
    ['a key of another certificate', /mismatch/, (p) => writeFile(p.key, authority.issue().key)],
    ['no key at all', /test cannot be used/, (p) => writeFile(p.key, 'nothing')],
    ['no certificate at all', /test cannot be used/, (p) => writeFile(p.certificate, '')],
    ['no authority', /no certificate of an authority/, (p) => writeFile(p.ca, 'nothing')],
    [
      'an authority that cannot be read',
      /test cannot be used/,
      (p) => writeFile(p.ca, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
    ],
    [
      'a certificate that has expired',
      /has expired on/,
      () => issued('node', authority, authority, { until: past }),
    ],
    [
      'a certificate that is not valid yet',
      /not valid before/,
      () => issued('node', authority, authority, { from: new Date(Date.now() + HOUR / 2) }),
    ],
  ])('%s', async (_, message, spoil) => {
    const paths = await issued('node');
    await spoil(paths);
    expect(() => filesOf(paths)).toThrow(message);
  });

  it('a key alone', async () => {
    const { key } = await issued('node');
    expect(() => filesOf({ key })).toThrow('a key wants a certificate');
  });
});

it('has certificates by the names of their paths, the same until they change', async () => {
  const paths = await issued('node');
  const metrics = new Metrics('test');
  const files = filesOf(paths, metrics);
  const before = files.certificates();
  expect(before.certificate).toBe(await readFile(paths.certificate, 'utf8'));
  expect(files.certificates()).toBe(before);
  const until = new Date(Math.floor(Date.now() / 1000) * 1000 + 2 * HOUR);
  // Written one after the other: what does not fit in between is not taken.
  await issued('node', successor, successor, { until });
  await expect.poll(() => files.certificates().ca).toBe(successor.certificate);
  const line = `pixtorrent_test_certificate_expires_timestamp_seconds{files="test"} ${until.getTime() / 1000}\n`;
  expect(await metrics.read()).toContain(line);
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
    echo: { path: '/sample.v1.EchoService/Echo', requestStream: false, responseStream: false, ...codec },
  };

  async function serve(tls: { serverCredentials(): ReturnType<TlsFiles['serverCredentials']> }) {
    const implementation = { echo: unary(async (request: Buffer) => request) };
    const services = [{ definition, implementation }];
    const server = await GrpcServer.listen({ host: '127.0.0.1', port: 0, services, descriptors: '', tls });
    opened.push(() => server.drain(0));
    return server;
  }

  // biome-ignore lint/suspicious/noExplicitAny: a generic client has the methods of its definition
  function client(server: GrpcServer, by: ChannelCredentials): any {
    const Constructor = makeGenericClientConstructor(definition, 'sample');
    const options = {
      'grpc.enable_retries': 0,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.ssl_target_name_override': 'localhost',
    };
    const created: Client = new Constructor(`127.0.0.1:${server.port}`, by, options);
    opened.push(() => created.close());
    return created;
  }

  // biome-ignore lint/suspicious/noExplicitAny: a generic client has the methods of its definition
  function echo(from: any, text: string): Promise<string | number> {
    return new Promise((resolve) => {
      from.echo(
        Buffer.from(text),
        { deadline: Date.now() + 10_000 },
        (error: ServiceError | null, answer: Buffer) =>
          resolve(error === null ? answer.toString() : error.code),
      );
    });
  }

  it('goes on with new certificates: for new connections, while open ones stay', async () => {
    const { key, certificate } = await issued('server');
    const files = filesOf({ key, certificate });
    const server = await serve(files);
    const trusting = (one: TestAuthority) => credentials.createSsl(Buffer.from(one.certificate));
    const open = client(server, trusting(authority));
    expect(await echo(open, 'before')).toBe('before');
    const done = changed(files);
    await issued('server', successor);
    await done;
    expect(await echo(client(server, trusting(successor)), 'new')).toBe('new');
    expect(await echo(client(server, trusting(authority)), 'lost')).toBe(status.UNAVAILABLE);
    expect(await echo(open, 'after')).toBe('after');
  });

  it('serves only whom its authorities certify, those of the moment', async () => {
    const files = filesOf(await issued('server'));
    const server = await serve(files);
    const trust = Buffer.from(authority.certificate);
    const certifiedBy = (one: TestAuthority) => {
      const { key, certificate } = one.issue();
      return credentials.createSsl(trust, Buffer.from(key), Buffer.from(certificate));
    };
    expect(await echo(client(server, certifiedBy(authority)), 'known')).toBe('known');
    expect(await echo(client(server, certifiedBy(successor)), 'unknown')).toBe(status.UNAVAILABLE);
    expect(await echo(client(server, credentials.createSsl(trust)), 'nobody')).toBe(status.UNAVAILABLE);
    const done = changed(files);
    await writeFile(join(folder, 'server-ca.crt'), successor.certificate);
    await done;
    expect(await echo(client(server, certifiedBy(successor)), 'known now')).toBe('known now');
    expect(await echo(client(server, certifiedBy(authority)), 'no more')).toBe(status.UNAVAILABLE);
  });

  it('is called with certificates that change', async () => {
    const server = await serve(filesOf(await issued('server', authority, successor)));
    const files = filesOf(await issued('caller'));
    const calls = client(server, files.channelCredentials());
    expect(await echo(calls, 'not yet')).toBe(status.UNAVAILABLE);
    const done = changed(files);
    await issued('caller', successor);
    await done;
    await expect.poll(() => echo(calls, 'now'), { timeout: 10_000 }).toBe('now');
  });

  it('is called by those who have no certificate, and trusted by an authority from a file', async () => {
    const { key, certificate, ca } = await issued('server');
    const server = await serve(filesOf({ key, certificate }));
    expect(await echo(client(server, filesOf({ ca }).channelCredentials()), 'hello')).toBe('hello');
  });
});

it('a server of node:https goes on with new certificates, until it is closed', async () => {
  const { key, certificate } = await issued('gateway');
  const files = filesOf({ key, certificate });
  const server = createServer((_, response) => response.end('hello'));
  files.serve(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const issuer = async (): Promise<string> => {
    const socket: TLSSocket = connect({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      rejectUnauthorized: false,
    });
    await once(socket, 'secureConnect');
    const { issuer: by } = socket.getPeerCertificate();
    socket.destroy();
    return String(by.CN);
  };
  expect(await issuer()).toBe('test authority');
  const answer = request({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: authority.certificate,
  }).end();
  const [response] = await once(answer, 'response');
  expect(response.statusCode).toBe(200);
  response.resume();
  const done = changed(files);
  await issued('gateway', successor);
  await done;
  expect(await issuer()).toBe('the next authority');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
