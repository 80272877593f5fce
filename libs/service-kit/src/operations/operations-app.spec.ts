import 'reflect-metadata';
import { silentLogger } from '@pixtorrent/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Metrics } from '../metrics/metrics.ts';
import { operationsModule } from './operations.module.ts';
import { OperationsApp } from './operations-app.ts';
import { type CheckResult, Readiness } from './readiness.ts';

class Service {}

let app: OperationsApp;
let readiness: Readiness;
let metrics: Metrics;
let base: string;

beforeEach(async () => {
  readiness = new Readiness();
  metrics = new Metrics('sample');
  const module = { module: Service, imports: [operationsModule(readiness, metrics)] };
  app = await OperationsApp.create(module, silentLogger);
  base = `http://127.0.0.1:${await app.listen(0, '127.0.0.1')}`;
});

afterEach(() => app.close());

it('lives from the start, and is ready when it says so', async () => {
  const ready = async () => {
    const response = await fetch(`${base}/readyz`);
    return { code: response.status, ...((await response.json()) as object) };
  };
  let store: CheckResult = { status: 'ok' };
  readiness.add('store', () => store);
  expect(await ready()).toEqual({ code: 503, status: 'starting', checks: { store } });
  readiness.started();
  expect(await ready()).toEqual({ code: 200, status: 'ready', checks: { store } });
  store = { status: 'degraded', reason: 'redis is away' };
  expect(await ready()).toEqual({ code: 200, status: 'degraded', checks: { store } });
  store = { status: 'failed', reason: 'the disk is gone' };
  readiness.add('other', () => ({ status: 'degraded', reason: 'slow' }));
  expect(await ready()).toMatchObject({ code: 503, status: 'failed', checks: { store } });
  store = { status: 'ok' };
  expect(await ready()).toMatchObject({ code: 200, status: 'degraded' });
  readiness.stopping();
  readiness.started();
  expect(await ready()).toMatchObject({ code: 503, status: 'stopping' });
  const alive = await fetch(`${base}/healthz`);
  expect([alive.status, await alive.text()]).toEqual([200, 'ok\n']);
});

it('tells metrics of the process and of the service by names that begin alike', async () => {
  metrics.counter({ name: 'calls_total', help: 'Calls', labels: ['kind'] }).inc({ kind: 'a' }, 2);
  let reads = 0;
  metrics.gauge({ name: 'reads', help: 'Reads', collect: (gauge) => gauge.set(++reads) });
  metrics.histogram({ name: 'seconds', help: 'Seconds', buckets: [1, 2] }).observe(1.5);
  const response = await fetch(`${base}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  expect(text).toContain('pixtorrent_sample_calls_total{kind="a"} 2\n');
  expect(text).toContain('pixtorrent_sample_reads 1\n');
  expect(text).toContain('pixtorrent_sample_seconds_bucket{le="2"} 1\n');
  expect(text).toMatch(/^pixtorrent_sample_nodejs_eventloop_lag_p99_seconds [\d.e-]+$/m);
  const names = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(names.filter((line) => !line.startsWith('pixtorrent_sample_'))).toEqual([]);
});

it('tells of all else where one gauge cannot be known', async () => {
  const away = () => Promise.reject(new Error('redis is away'));
  metrics.gauge({ name: 'peers', help: 'Peers', collect: away });
  const kinds = metrics.gauge({ name: 'kinds', help: 'Kinds', labels: ['kind'], collect: away });
  kinds.set({ kind: 'old' }, 5);
  const response = await fetch(`${base}/metrics`);
  expect(response.status).toBe(200);
  const text = await response.text();
  expect(text).toMatch(/^pixtorrent_sample_peers nan$/im);
  expect(text).not.toContain('kind=');
  expect(text).toMatch(/^pixtorrent_sample_nodejs_eventloop_lag_p99_seconds /m);
});

it('answers what it does not know by 404, without a word of what it runs on', async () => {
  const response = await fetch(`${base}/nothing`);
  expect(response.status).toBe(404);
  expect(response.headers.get('x-powered-by')).toBeNull();
});

it('says why it cannot listen', async () => {
  const second = await OperationsApp.create({ module: Service }, silentLogger);
  try {
    const taken = Number(new URL(base).port);
    await expect(second.listen(taken, '127.0.0.1')).rejects.toMatchObject({
      code: 'EADDRINUSE',
      syscall: 'listen',
      port: taken,
    });
  } finally {
    await second.close();
  }
});
