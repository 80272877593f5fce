import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@pixtorrent/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bootstrap, type RunningPeerService } from './bootstrap.ts';
import { readPeerConfig } from './config/peer-settings.ts';
import { SmallTracker } from './fixtures/small-tracker.ts';

let dir: string;
let tracker: SmallTracker;
const running: RunningPeerService[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pix-bootstrap-'));
  tracker = await SmallTracker.start();
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.close()));
  await tracker.close();
  await rm(dir, { recursive: true, force: true });
});

async function start(env: Record<string, string> = {}): Promise<RunningPeerService> {
  const config = readPeerConfig({
    PEER_NAME: 'self',
    PEER_DIR: dir,
    PEER_HOST: '127.0.0.1',
    PEER_PORT: '0',
    PEER_HTTP_PORT: '0',
    PEER_GRPC_PORT: '0',
    PEER_OPS_PORT: '0',
    PEER_TRACKER: `127.0.0.1:${tracker.port}`,
    ...env,
  });
  const service = await bootstrap(config, { logger: silentLogger });
  running.push(service);
  return service;
}

async function ready({ ports }: RunningPeerService): Promise<object> {
  const response = await fetch(`http://127.0.0.1:${ports.ops}/readyz`);
  return { code: response.status, ...((await response.json()) as object) };
}

it('is ready when the tracker service knows of it, and no earlier', async () => {
  const lost = await start({ PEER_TRACKER: '127.0.0.1:1' });
  expect(await ready(lost)).toMatchObject({
    code: 503,
    status: 'starting',
    checks: { tracker: { status: 'degraded' }, disk: { status: 'ok' } },
  });
  expect((await fetch(`http://127.0.0.1:${lost.ports.http}/v1/content/none`)).status).toBe(503);
  await lost.close();

  const found = await start();
  await found.registered();
  await expect.poll(() => ready(found)).toMatchObject({ code: 200, status: 'ready' });
  expect(tracker.nodes.get('self')).toMatchObject({
    peerAddress: expect.stringMatching(`:${found.ports.peer}$`),
  });
});

it('stays ready without the tracker service, degraded', async () => {
  const service = await start();
  await service.registered();
  await tracker.close();
  await expect
    .poll(() => ready(service))
    .toMatchObject({ code: 200, status: 'degraded', checks: { tracker: { status: 'degraded' } } });
});

it('leaves a port that is off alone', async () => {
  const { ports } = await start({ PEER_HTTP_PORT: 'off', PEER_GRPC_PORT: '', PEER_OPS_PORT: 'off' });
  expect(Object.keys(ports)).toEqual(['peer']);
});

it.each(['PEER_PORT', 'PEER_HTTP_PORT', 'PEER_GRPC_PORT', 'PEER_OPS_PORT'])(
  'says that %s is taken, and leaves nothing behind',
  async (name) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    try {
      await expect(start({ [name]: `${port}` })).rejects.toThrow(String(port));
    } finally {
      other.close();
    }
    const free = await start({ [name]: `${port}` });
    expect(Object.values(free.ports)).toContain(port);
  },
);
