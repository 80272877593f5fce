import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChannelCredentials, credentials, status } from '@grpc/grpc-js';
import type { peer as wire } from '@pixtorrent/contracts';
import { silentLogger } from '@pixtorrent/core';
import { systemTimers, TlsFiles } from '@pixtorrent/service-kit';
import { TestAuthority } from '@pixtorrent/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ServedNode } from '../fixtures/served-node.ts';
import { SmallMetrics } from '../fixtures/small-metrics.ts';
import { SmallTracker } from '../fixtures/small-tracker.ts';

const authority = new TestAuthority();
const stranger = new TestAuthority('another authority');
const HOSTS = ['localhost', '127.0.0.1'];

let folder: string;
let files: { key: string; certificate: string; ca: string };
const opened: (() => unknown)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pix-node-tls-'));
  const [key, certificate, ca] = ['key', 'crt', 'ca'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  files = { key, certificate, ca };
  const issued = authority.issue({ hosts: HOSTS });
  await writeFile(key, issued.key);
  await writeFile(certificate, issued.certificate);
  await writeFile(ca, authority.certificate);
});

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
  await rm(folder, { recursive: true, force: true });
});

async function start(env: Record<string, string> = {}, tracker?: SmallTracker): Promise<ServedNode> {
  const node = await ServedNode.start({
    env: {
      PEER_TLS_KEY_FILE: files.key,
      PEER_TLS_CERT_FILE: files.certificate,
      PEER_TLS_CA_FILE: files.ca,
      ...env,
    },
    ...(tracker && { tracker }),
  });
  opened.push(() => node.close());
  return node;
}

/** @returns a status, or the name of the node */
function ask(node: ServedNode, by: ChannelCredentials): Promise<string | number> {
  return new Promise((resolve) => {
    node.connect(by).getNode(
      {},
      { deadline: Date.now() + 5000 } as never,
      ((error: never, answer: never) => {
        resolve(
          error === null ? (answer as wire.GetNodeResponse).node!.name : (error as { code: number }).code,
        );
      }) as never,
    );
  });
}

const trusting = (one: TestAuthority, own?: TestAuthority): ChannelCredentials => {
  const issued = own?.issue();
  return credentials.createSsl(
    Buffer.from(one.certificate),
    issued ? Buffer.from(issued.key) : null,
    issued ? Buffer.from(issued.certificate) : null,
  );
};

it('serves gRPC and HTTP within TLS, to everybody who trusts it', async () => {
  const node = await start();
  expect(await ask(node, trusting(authority))).toBe('self');
  expect(await ask(node, trusting(stranger))).toBe(status.UNAVAILABLE);
  expect(await ask(node, credentials.createInsecure())).toBe(status.UNAVAILABLE);
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    request(
      {
        host: '127.0.0.1',
        port: node.service.ports.http,
        path: '/v1/content/',
        ca: authority.certificate,
        servername: 'localhost',
        agent: false,
      },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    )
      .on('error', reject)
      .end();
  });
  expect(answer).toBe(200);
});

it('serves gRPC only to whom its authority certifies, where that is set', async () => {
  const node = await start({ PEER_TLS_CLIENTS: 'true' });
  expect(await ask(node, trusting(authority, authority))).toBe('self');
  expect(await ask(node, trusting(authority, stranger))).toBe(status.UNAVAILABLE);
  expect(await ask(node, trusting(authority))).toBe(status.UNAVAILABLE);
});

it('calls a tracker service that wants to know who it is', async () => {
  const tls = new TlsFiles({ timers: systemTimers, logger: silentLogger }, { name: 'tracker', paths: files });
  opened.push(() => tls.close());
  const tracker = await SmallTracker.start(tls);
  opened.push(() => tracker.close());
  // To be ready it has to be registered.
  const node = await start({ PEER_TRACKER_TLS: 'true', PEER_TRACKER: `localhost:${tracker.port}` }, tracker);
  expect(await node.metric('registered')).toBe(1);
  expect(await node.metric('certificate_expires_timestamp_seconds{files="certificates"}')).toBeGreaterThan(0);
});

it('knows a metrics service by the name that it was looked up by', async () => {
  const issued = authority.issue({ hosts: ['localhost'] });
  const paths = { ...files, certificate: join(folder, 'metrics.crt'), key: join(folder, 'metrics.key') };
  await writeFile(paths.certificate, issued.certificate);
  await writeFile(paths.key, issued.key);
  const tls = new TlsFiles({ timers: systemTimers, logger: silentLogger }, { name: 'metrics', paths });
  const metrics = await SmallMetrics.start(0, '127.0.0.1', tls);
  opened.push(
    () => tls.close(),
    () => metrics.close(),
  );
  const tracker = await SmallTracker.start(tls);
  opened.push(() => tracker.close());
  await start(
    {
      PEER_TRACKER_TLS: 'true',
      PEER_TRACKER: `localhost:${tracker.port}`,
      PEER_METRICS: `localhost:${metrics.port}`,
    },
    tracker,
  );
  await expect.poll(() => metrics.reports.length, { timeout: 5000 }).toBeGreaterThan(0);
});

it('takes nothing in the clear from its peers where it requires TLS, and says so', async () => {
  const node = await start({ PEER_TLS_PEERS: 'require' });
  const socket = (await import('node:net')).connect(node.service.ports.peer, '127.0.0.1');
  socket.on('error', () => {});
  opened.push(() => socket.destroy());
  socket.write('\x13BitTorrent protocol');
  await expect.poll(() => node.metric('connections_refused_total{reason="plain"}')).toBe(1);
});
