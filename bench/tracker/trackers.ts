import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../integration-tests/support/ports.ts';
import { Process, run, until } from '../../integration-tests/support/processes.ts';
import type { Scope } from '../../integration-tests/support/scope.ts';
import { startTrackerService } from '../../integration-tests/support/tracker-service.ts';
import { infoHashes } from './load/swarms.ts';

/** The tracker's core. The load, and Redis with it, have the other. */
const TRACKER_CORE = '0';
export const LOAD_CORE = '1';
const HOST = '127.0.0.1';
const BOTH = ['http', 'udp'] as const;
const RIVALS = fileURLToPath(new URL('./rivals', import.meta.url));

export type Frontend = 'http' | 'udp';

export interface RunningTracker {
  readonly process: Process;
  /** The store's process, where there is one. */
  readonly store?: Process;
  readonly http: number;
  readonly udp: number;
  /** Whether it closes a connection after each answer. */
  readonly closes: boolean;
}

export interface TrackerKind {
  readonly name: string;
  readonly frontends: readonly Frontend[];
  start(scope: Scope, swarms: number): Promise<RunningTracker>;
}

export const memory: TrackerKind = {
  name: 'pixtorrent, memory',
  frontends: BOTH,
  start: (scope) => startOurs(scope, {}),
};

export const redis: TrackerKind = {
  name: 'pixtorrent, Redis',
  frontends: BOTH,
  start: async (scope) => {
    const store = await startRedis(scope);
    return { ...(await startOurs(scope, redisSettings(store.port))), store: store.process };
  },
};

export const opentracker: TrackerKind = {
  name: 'opentracker',
  frontends: BOTH,
  start: async (scope, swarms) => {
    const folder = await scope.folder();
    // It reads its files as nobody.
    await chmod(folder, 0o755);
    const [whitelist, settings] = [join(folder, 'whitelist'), join(folder, 'opentracker.conf')];
    const port = await freePort();
    const known = infoHashes(swarms).map((hash) => hash.toString('hex'));
    await writeFile(whitelist, `${known.join('\n')}\n`);
    await writeFile(settings, `listen.tcp_udp ${HOST}:${port}\naccess.whitelist ${whitelist}\n`);
    const process = await start(scope, 'opentracker', ['opentracker', '-f', settings, '-d', '/']);
    await until(
      10,
      async () => ((await run(['ss', '-Hltn', `sport = :${port}`])).trim() ? true : undefined),
      () => process.failure('does not listen'),
    );
    return { process, http: port, udp: port, closes: true };
  },
};

export const bittorrentTracker: TrackerKind = {
  name: 'bittorrent-tracker',
  frontends: BOTH,
  start: async (scope) => {
    const port = await freePort();
    const program = join(RIVALS, 'bittorrent-tracker.js');
    const started = await start(scope, 'bittorrent-tracker', [process.execPath, program, String(port)]);
    await started.line('ready', (line) => line === 'ready', 20);
    return { process: started, http: port, udp: port, closes: false };
  },
};

/** One worker for the socket, which keeps the peers too. */
export const aquatic: TrackerKind = {
  name: 'aquatic_udp',
  frontends: ['udp'],
  start: async (scope) => {
    const settings = join(await scope.folder(), 'aquatic.toml');
    const port = await freePort();
    await writeFile(
      settings,
      `socket_workers = 1\n[network]\naddress = "${HOST}:${port}"\n[protocol]\nmax_response_peers = 50\n`,
    );
    const process = await start(scope, 'aquatic_udp', ['aquatic_udp', '-c', settings]);
    await until(
      10,
      async () => ((await run(['ss', '-Hlun', `sport = :${port}`])).trim() ? true : undefined),
      () => process.failure('does not listen'),
    );
    return { process, http: 0, udp: port, closes: false };
  },
};

/** Whether what no package of the system brings has been put on the path: `cargo install aquatic_udp`. */
export async function hasAquatic(): Promise<boolean> {
  return run(['aquatic_udp', '--version']).then(
    () => true,
    () => false,
  );
}

/** Installs what is measured beside ours and is no package of the system. */
export async function installRivals(): Promise<void> {
  await run(['npm', 'ci', '--prefix', RIVALS, '--ignore-scripts', '--omit=optional']);
}

export async function startRedis(
  scope: Scope,
): Promise<{ readonly process: Process; readonly port: number }> {
  const port = await freePort();
  const settings = ['--port', String(port), '--bind', HOST, '--save', '', '--appendonly', 'no'];
  const process = await start(scope, 'redis-server', ['redis-server', ...settings], {}, LOAD_CORE);
  await process.line('Redis', (line) => line.includes('Ready to accept connections'), 20);
  return { process, port };
}

export function redisSettings(port: number): Record<string, string> {
  return { TRACKER_STORE: 'redis', REDIS_URL: `redis://${HOST}:${port}` };
}

export async function startOurs(
  scope: Scope,
  env: Readonly<Record<string, string>>,
): Promise<RunningTracker & { readonly grpc: number }> {
  const service = await startTrackerService(scope, { env, prefix: ['taskset', '-c', TRACKER_CORE] });
  return { ...service, closes: false };
}

function start(
  scope: Scope,
  name: string,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
  core = TRACKER_CORE,
): Promise<Process> {
  return Process.start(scope, name, ['taskset', '-c', core, ...command], { env });
}
