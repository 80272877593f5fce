import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { credentials, makeGenericClientConstructor, type ServiceError } from '@grpc/grpc-js';
import { silentLogger } from '@pixtorrent/core';
import { afterEach, expect, it } from 'vitest';
import { bootstrap, type RunningTrackerService } from './bootstrap.ts';
import { readTrackerConfig } from './config/tracker-settings.ts';

const running: RunningTrackerService[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.close()));
});

const PICKED = {
  TRACKER_HOST: '127.0.0.1',
  TRACKER_HTTP_PORT: '0',
  TRACKER_UDP_PORT: '0',
  TRACKER_GRPC_PORT: '0',
  TRACKER_OPS_PORT: '0',
};

async function start(env: Record<string, string> = {}): Promise<RunningTrackerService> {
  const service = await bootstrap(readTrackerConfig({ ...PICKED, ...env }), { logger: silentLogger });
  running.push(service);
  return service;
}

const INFO_HASH = 'a'.repeat(20);

function announce(service: RunningTrackerService, port: number, more = ''): Promise<Response> {
  const query = `info_hash=${INFO_HASH}&peer_id=${'b'.repeat(15)}${port}&port=${port}&uploaded=0&downloaded=0&left=1&compact=1`;
  return fetch(`http://127.0.0.1:${service.ports.http}/announce?${query}${more}`);
}

async function metrics(service: RunningTrackerService): Promise<string[]> {
  const response = await fetch(`http://127.0.0.1:${service.ports.ops}/metrics`);
  return (await response.text()).split('\n');
}

it('lets peers find each other, and counts what it does', async () => {
  const service = await start();
  expect(await (await announce(service, 10_001, '&event=started')).text()).toContain('5:peers0:');
  expect(await (await announce(service, 10_002)).text()).toContain('5:peers6:');
  expect((await fetch(`http://127.0.0.1:${service.ports.http}/scrape?info_hash=${INFO_HASH}`)).status).toBe(
    200,
  );
  const lines = await metrics(service);
  expect(lines).toEqual(
    expect.arrayContaining([
      'pixtorrent_tracker_announces_total{frontend="http",event="started",result="ok"} 1',
      'pixtorrent_tracker_announces_total{frontend="http",event="none",result="ok"} 1',
      'pixtorrent_tracker_announce_seconds_count{frontend="http"} 2',
      'pixtorrent_tracker_scrapes_total{frontend="http",result="ok"} 1',
      'pixtorrent_tracker_swarms 1',
      'pixtorrent_tracker_peers 2',
      'pixtorrent_tracker_seeders 0',
    ]),
  );
});

it('is ready, over HTTP and over gRPC', async () => {
  const service = await start();
  const ready = await fetch(`http://127.0.0.1:${service.ports.ops}/readyz`);
  expect([ready.status, await ready.json()]).toMatchObject([200, { status: 'ready' }]);
  expect(await health(service.ports.grpc!)).toBe('SERVING');
});

it('leaves a port that is off alone', async () => {
  const { ports } = await start({ TRACKER_UDP_PORT: 'off', TRACKER_GRPC_PORT: 'off', TRACKER_OPS_PORT: '' });
  expect(Object.keys(ports)).toEqual(['http']);
});

it('serves on until load balancers have noticed, then takes nothing more', async () => {
  const service = await start({ TRACKER_DRAIN_DELAY: '3s' });
  const { ops, http } = service.ports;
  const closed = service.close();
  const ready = await fetch(`http://127.0.0.1:${ops}/readyz`);
  expect([ready.status, await ready.json()]).toMatchObject([503, { status: 'stopping' }]);
  expect((await fetch(`http://127.0.0.1:${ops}/healthz`)).status).toBe(200);
  expect((await announce(service, 10_001)).status).toBe(200);
  expect(await closed).toBe('done');
  await expect(fetch(`http://127.0.0.1:${http}/announce`)).rejects.toThrow();
  await expect(fetch(`http://127.0.0.1:${ops}/readyz`)).rejects.toThrow();
  expect(await service.close()).toBe('done');
});

it.each(['TRACKER_HTTP_PORT', 'TRACKER_GRPC_PORT', 'TRACKER_OPS_PORT'])(
  'says that %s is taken, and leaves nothing behind',
  async (name) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    try {
      await expect(start({ [name]: `${port}` })).rejects.toMatchObject({
        code: 'EADDRINUSE',
        syscall: 'listen',
        port,
      });
    } finally {
      other.close();
    }
    const free = await start({ [name]: `${port}` });
    expect(Object.values(free.ports)).toContain(port);
  },
);

it('starts without Redis, degraded, and serves from its memory', async () => {
  const service = await start({ TRACKER_STORE: 'redis', REDIS_URL: 'redis://127.0.0.1:1' });
  const answer = await (await announce(service, 10_001)).text();
  expect(answer).toContain('5:peers0:');
  expect(answer).toContain('15:warning message');
  expect(await (await announce(service, 10_002)).text()).toContain('5:peers6:');
  const ready = await fetch(`http://127.0.0.1:${service.ports.ops}/readyz`);
  expect(ready.status).toBe(200);
  expect(await ready.json()).toMatchObject({
    status: 'degraded',
    checks: { redis: { status: 'degraded' }, catalogue: { status: 'degraded' } },
  });
  expect(await metrics(service)).toEqual(
    expect.arrayContaining(['pixtorrent_tracker_redis_up 0', 'pixtorrent_tracker_announces_alone_total 2']),
  );
});

function health(port: number): Promise<string> {
  const definition = {
    check: {
      path: '/grpc.health.v1.Health/Check',
      requestStream: false,
      responseStream: false,
      requestSerialize: (value: Buffer) => value,
      requestDeserialize: (value: Buffer) => value,
      responseSerialize: (value: Buffer) => value,
      responseDeserialize: (value: Buffer) =>
        value.equals(Buffer.from([8, 1])) ? 'SERVING' : value.toString('hex'),
    },
  };
  const Health = makeGenericClientConstructor(definition, 'Health');
  const client = new Health(`127.0.0.1:${port}`, credentials.createInsecure());
  return new Promise<string>((resolve, reject) => {
    client.check!(Buffer.alloc(0), (error: ServiceError | null, status: string) =>
      error === null ? resolve(status) : reject(error),
    );
  }).finally(() => client.close());
}
