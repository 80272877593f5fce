import { fileURLToPath } from 'node:url';
import type { Host } from './namespaces.ts';
import { freePort } from './ports.ts';
import { Process } from './processes.ts';
import type { Scope } from './scope.ts';

const HOST = '127.0.0.1';
/** Of patience: a start is a second of CPU, which a busy machine may take long to give. */
const START_SECONDS = 120;
const MAIN = fileURLToPath(new URL('../../services/tracker/dist/main.js', import.meta.url));

export interface TrackerService {
  readonly process: Process;
  readonly http: number;
  readonly udp: number;
  readonly grpc: number;
  readonly ops: number;
}

export interface TrackerServiceOptions {
  /** Of one that ran before. @default free ones of this machine */
  readonly ports?: Pick<TrackerService, 'http' | 'grpc' | 'ops'>;
  /** Settings beside the ports. */
  readonly env?: Readonly<Record<string, string>>;
  /** The namespace that it runs in. @default the test's own */
  readonly host?: Host;
  /** What the command is run by. */
  readonly prefix?: readonly string[];
}

/** The tracker service as a process of its own, ready. */
export async function startTrackerService(
  scope: Scope,
  { ports, env = {}, host, prefix = [] }: TrackerServiceOptions = {},
): Promise<TrackerService> {
  const { http, grpc, ops } = ports ?? {
    http: await freePort(),
    grpc: await freePort(),
    ops: await freePort(),
  };
  const command = [...prefix, process.execPath, '--max-semi-space-size=4', MAIN];
  const started = await Process.start(scope, 'tracker service', command, {
    host,
    env: {
      TRACKER_HOST: host?.address ?? HOST,
      TRACKER_HTTP_PORT: String(http),
      TRACKER_UDP_PORT: String(http),
      TRACKER_GRPC_PORT: String(grpc),
      TRACKER_OPS_PORT: String(ops),
      TRACKER_LOG_LEVEL: host === undefined ? 'warn' : 'info',
      UV_THREADPOOL_SIZE: '1',
      ...env,
    },
  });
  const service = { process: started, http, udp: http, grpc, ops };
  // Another namespace cannot be asked from here.
  if (host !== undefined)
    await started.line('ready', (line) => line.includes('tracker is ready'), START_SECONDS);
  else await started.until('ready', START_SECONDS, () => isReady(service));
  return service;
}

/** True for ready, for those who look until it is. */
export async function isReady(service: { readonly ops: number }): Promise<true | undefined> {
  return (await readiness(service))?.ok ? true : undefined;
}

/** What `/readyz` says; undefined while nobody answers. */
export async function readiness({ ops }: { readonly ops: number }): Promise<Response | undefined> {
  try {
    return await fetch(`http://${HOST}:${ops}/readyz`);
  } catch {
    return undefined;
  }
}
