import { silentLogger } from '@pixtorrent/core';
import { connectRedis, type RedisConfig } from '@pixtorrent/service-kit';
import { freePort } from './ports.ts';
import { Process, run, until } from './processes.ts';
import type { Scope } from './scope.ts';

export type RedisClient = ReturnType<typeof connectRedis>;

const HOST = '127.0.0.1';
const COMMAND_TIMEOUT = 500;

/** A real Redis, always at the same port, that can be hurt. It keeps nothing on the disk. */
export class RedisServer {
  readonly port: number;
  readonly #scope: Scope;
  readonly #cluster: boolean;
  #process: Process | undefined;

  private constructor(scope: Scope, port: number, cluster: boolean) {
    this.#scope = scope;
    this.port = port;
    this.#cluster = cluster;
  }

  /** @param kind `cluster`: a cluster of one node that has every slot */
  static async create(scope: Scope, kind: 'single' | 'cluster' = 'single'): Promise<RedisServer> {
    return new RedisServer(scope, await freePort(), kind === 'cluster');
  }

  async start(): Promise<void> {
    const folder = await this.#scope.folder();
    const settings = ['--port', String(this.port), '--bind', HOST, '--save', '', '--appendonly', 'no'];
    if (this.#cluster)
      settings.push(
        ...['--cluster-enabled', 'yes', '--cluster-announce-ip', HOST],
        ...['--cluster-port', String(await freePort())],
      );
    this.#process = await Process.start(this.#scope, 'redis-server', ['redis-server', ...settings], {
      cwd: folder,
    });
    await this.#process.line('Redis', (line) => line.includes('Ready to accept connections'), 60);
    if (!this.#cluster) return;
    await this.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await until(
      20,
      async () => ((await this.command('CLUSTER', 'INFO')).includes('cluster_state:ok') ? true : undefined),
      () => this.#process!.failure('no cluster'),
    );
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process!.signal(signal);
  }

  async kill(): Promise<void> {
    this.#process!.signal('SIGKILL');
    await this.#process!.exit(10);
  }

  /** Ends in good order. */
  async stop(): Promise<void> {
    await this.#process!.stop();
  }

  command(...words: string[]): Promise<string> {
    return run(['redis-cli', '-h', HOST, '-p', String(this.port), ...words]);
  }

  /** A client as the services make it, closed with the scope. @param commandTimeout milliseconds */
  client(scope = this.#scope, commandTimeout = COMMAND_TIMEOUT): RedisClient {
    const place = { host: HOST, port: this.port };
    const deployment: RedisConfig['deployment'] = this.#cluster
      ? { type: 'cluster', nodes: [place] }
      : { type: 'single', ...place };
    const times = { commandTimeout, connectTimeout: 1000 };
    const client = connectRedis({ deployment, db: 0, ...times }, silentLogger);
    scope.defer(() => client.disconnect());
    return client;
  }

  /** The same, connected. */
  async connected(scope = this.#scope, commandTimeout = COMMAND_TIMEOUT): Promise<RedisClient> {
    const client = this.client(scope, commandTimeout);
    await until(
      60,
      () => (client.status === 'ready' ? true : undefined),
      () => new Error('no connection to Redis'),
      5,
    );
    return client;
  }
}
