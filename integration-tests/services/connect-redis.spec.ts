import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type LogFields, type Logger, silentLogger } from '@pixtorrent/core';
import { connectRedis, type RedisConfig } from '@pixtorrent/service-kit';
import type { Cluster, Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/ports.ts';
import { Process } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';
import { Scope } from '../support/scope.ts';

let scope: Scope;
let folder: string;
let port: number;

beforeEach(async () => {
  scope = new Scope();
  folder = await scope.folder();
  port = await freePort();
});

afterEach(() => scope.close());

function startRedis(at: number, ...more: string[]): Promise<Process> {
  const place = ['--port', `${at}`, '--bind', '127.0.0.1', '--dir', folder];
  const command = ['redis-server', ...place, '--save', '', '--appendonly', 'no', ...more];
  return Process.start(scope, 'redis-server', command);
}

async function kill(server: Process): Promise<void> {
  server.signal('SIGKILL');
  await server.exit(10);
}

function hang(server: Process): void {
  server.signal('SIGSTOP');
  scope.defer(() => server.signal('SIGCONT'));
}

function connect(config: Partial<RedisConfig> = {}, logger: Logger = silentLogger): Redis | Cluster {
  const times = { commandTimeout: 300, connectTimeout: 1000 };
  const deployment = { type: 'single', host: '127.0.0.1', port } as const;
  const client = connectRedis({ deployment, db: 0, ...times, ...config }, logger);
  scope.defer(() => client.disconnect());
  return client;
}

describe.runIf(requirement('redis'))('a client of Redis', () => {
  it('is there at once where Redis is not, fails what is asked, and comes round when it is', async () => {
    const lines: string[] = [];
    const logger: Logger = {
      ...silentLogger,
      warn: (message) => void lines.push(message),
      info: (message) => void lines.push(message),
    };
    // Longer than the test may take: what fails does not fail for having waited.
    const client = connect({ commandTimeout: 600_000 }, logger);
    await expect(client.get('x')).rejects.toThrow();
    await expect.poll(() => lines).toEqual(['redis is away']);
    const server = await startRedis(port);
    await expect.poll(() => client.status, { timeout: 60_000 }).toBe('ready');
    expect(await client.set('x', '1')).toBe('OK');

    await kill(server);
    await expect.poll(() => client.status).not.toBe('ready');
    await expect(client.get('x')).rejects.toThrow();
    await startRedis(port);
    await expect.poll(() => client.status, { timeout: 60_000 }).toBe('ready');
    expect(await client.get('x')).toBeNull();
    expect(lines).toEqual(['redis is away', 'redis is back', 'redis is away', 'redis is back']);
  });

  it('does not wait for one that hangs, nor sends again what was under way', async () => {
    const server = await startRedis(port);
    const client = connect();
    await expect.poll(() => client.status, { timeout: 60_000 }).toBe('ready');
    server.signal('SIGSTOP');
    await expect(client.incr('count')).rejects.toThrow('timed out');
    server.signal('SIGCONT');
    await expect.poll(() => client.get('count').catch(() => undefined)).toBe('1');
  });

  it('makes a connection anew on which nothing comes any more', async () => {
    await startRedis(port);
    const way = await silencedWay(port);
    const client = connect({ deployment: { type: 'single', host: '127.0.0.1', port: way.port } });
    await expect.poll(() => client.status, { timeout: 60_000 }).toBe('ready');
    await client.set('x', '1');
    way.silence();
    await expect(client.get('x')).rejects.toThrow('timed out');
    await expect.poll(() => client.get('x').catch(() => undefined)).toBe('1');
  });

  it('says who it is', async () => {
    await startRedis(port, '--requirepass', 'open sesame');
    const stranger = connect();
    const friend = connect({ password: 'open sesame', db: 2 });
    await expect.poll(() => friend.status, { timeout: 60_000 }).toBe('ready');
    expect(await friend.client('INFO')).toMatch(/ db=2 /);
    expect(stranger.status).not.toBe('ready');
  });

  it('speaks TLS, and only to one whose certificate it trusts', async () => {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=redis.example', '-addext', 'subjectAltName=DNS:redis.example'];
    await promisify(execFile)('openssl', [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '1',
      ],
      ...['-keyout', key, '-out', certificate, ...subject],
    ]);
    const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate];
    await startRedis(0, '--tls-port', `${port}`, ...files, '--tls-auth-clients', 'no');
    const ca = await readFile(certificate, 'utf8');
    const lines: string[] = [];
    const warn = (_: string, fields: LogFields = {}) => void lines.push(`${fields.reason}`);
    const misled = connect({ tls: { ca, serverName: 'other.example' } }, { ...silentLogger, warn });
    const client = connect({ tls: { ca, serverName: 'redis.example' } });
    await expect.poll(() => client.status, { timeout: 60_000 }).toBe('ready');
    expect(await client.set('x', '1')).toBe('OK');
    expect(misled.status).not.toBe('ready');
    expect(lines).toHaveLength(1);
  });

  it.each([
    ['has died', kill],
    ['hangs', hang],
    ['is to be one no more', () => {}],
  ])('finds the master by its sentinels, and the new one when it %s', async (_, end) => {
    const [second, sentinel] = [await freePort(), await freePort()];
    const master = await startRedis(port);
    await startRedis(second, '--replicaof', `127.0.0.1 ${port}`);
    const sentinelAddress = { host: '127.0.0.1', port: sentinel };
    const direct = connect({ deployment: { type: 'single', host: '127.0.0.1', port: second } }) as Redis;
    await expect
      .poll(() => direct.info('replication').catch(() => ''), { timeout: 60_000 })
      .toContain('master_link_status:up');
    await writeSentinel(sentinel);
    const client = connect({ deployment: { type: 'sentinel', name: 'mine', sentinels: [sentinelAddress] } });
    await expect.poll(() => client.status, { timeout: 60_000 }).toBe('ready');
    await client.set('x', 'kept');
    const known = connect({ deployment: { type: 'single', host: '127.0.0.1', port: sentinel } }) as Redis;
    await expect
      .poll(() => known.call('SENTINEL', 'REPLICAS', 'mine').catch(() => []), { timeout: 60_000 })
      .toHaveLength(1);
    await end(master);
    // How soon sentinels decide is Redis's: they do nothing for thirty seconds when they were kept waiting, and wait for news
    // of the replica. That the client follows is ours.
    const failOver = () => known.call('SENTINEL', 'FAILOVER', 'mine').catch(() => {});
    const isMaster = async () => (await direct.info('replication')).includes('role:master');
    await expect
      .poll(async () => (await isMaster()) || failOver(), { timeout: 120_000, interval: 500 })
      .toBe(true);
    // A master that lives takes what it is told until it knows.
    const write = () => client.set('x', 'new').catch(() => undefined);
    await expect.poll(() => write().then(() => direct.get('x')), { timeout: 60_000 }).toBe('new');
  });

  it('speaks to a cluster', async () => {
    const bus = ['--cluster-port', `${await freePort()}`, '--cluster-announce-ip', '127.0.0.1'];
    await startRedis(port, '--cluster-enabled', 'yes', ...bus);
    const single = connect() as Redis;
    await expect.poll(() => single.status, { timeout: 60_000 }).toBe('ready');
    await single.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    const client = connect({ deployment: { type: 'cluster', nodes: [{ host: '127.0.0.1', port }] } });
    await expect.poll(() => client.status, { timeout: 60_000 }).toBe('ready');
    expect(await client.set('{a}x', '1')).toBe('OK');
  });
});

/** A way to Redis on which connections stay open and carry nothing any more from when it is silenced; new ones do. */
async function silencedWay(to: number) {
  const sockets: Socket[] = [];
  const proxy = createServer((socket) => {
    const onward = createConnection(to, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) {
      end.on('error', () => {});
      sockets.push(end);
      scope.defer(() => end.destroy());
    }
  });
  scope.defer(() => proxy.close());
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const silence = () => {
    for (const socket of sockets) socket.unpipe().resume();
  };
  return { port: (proxy.address() as AddressInfo).port, silence };
}

async function writeSentinel(at: number): Promise<void> {
  const file = join(folder, 'sentinel.conf');
  const monitor = `sentinel monitor mine 127.0.0.1 ${port} 1\nsentinel down-after-milliseconds mine 500\n`;
  await writeFile(
    file,
    `port ${at}\nbind 127.0.0.1\ndir ${folder}\n${monitor}sentinel failover-timeout mine 3000\n`,
  );
  await Process.start(scope, 'sentinel', ['redis-server', file, '--sentinel']);
}
