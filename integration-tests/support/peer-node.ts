import { fileURLToPath } from 'node:url';
import type { Host } from './namespaces.ts';
import { freePort } from './ports.ts';
import { Process } from './processes.ts';
import type { Scope } from './scope.ts';
import { isReady, type TrackerService } from './tracker-service.ts';

const HOST = '127.0.0.1';
const MAIN = fileURLToPath(new URL('../../services/peer-node/dist/main.js', import.meta.url));

export interface PeerNodeProcess {
  readonly process: Process;
  readonly name: string;
  /** The folder that everything is kept in. */
  readonly dir: string;
  readonly peer: number;
  readonly http: number;
  readonly grpc: number;
  readonly ops: number;
}

export interface PeerNodeOptions {
  readonly tracker: Pick<TrackerService, 'grpc'>;
  /** @default a name of its own */
  readonly name?: string;
  /** @default a new one that goes with the scope */
  readonly dir?: string;
  /** Settings beside these and the ports, which are free ones of this machine. */
  readonly env?: Readonly<Record<string, string>>;
  /** The namespace that it runs in, and the address of the tracker as it is seen from there. @default the test's own */
  readonly host?: Host;
  readonly trackerHost?: string;
  /** What the command is run by. */
  readonly prefix?: readonly string[];
}

let started = 0;

/** A peer-node as a process of its own, ready: the tracker service knows of it. */
export async function startPeerNode(
  scope: Scope,
  {
    tracker,
    name = `node-${++started}`,
    dir,
    env = {},
    host,
    trackerHost = HOST,
    prefix = [],
  }: PeerNodeOptions,
): Promise<PeerNodeProcess> {
  const folder = dir ?? (await scope.folder());
  const [peer, http, grpc, ops] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const address = host?.address ?? HOST;
  const command = [...prefix, process.execPath, MAIN];
  const running = await Process.start(scope, name, command, {
    host,
    env: {
      PEER_NAME: name,
      PEER_DIR: folder,
      PEER_HOST: address,
      PEER_ADVERTISE: address,
      PEER_PORT: String(peer),
      PEER_HTTP_PORT: String(http),
      PEER_GRPC_PORT: String(grpc),
      PEER_OPS_PORT: String(ops),
      PEER_TRACKER: `${trackerHost}:${tracker.grpc}`,
      PEER_LOG_LEVEL: host === undefined ? 'warn' : 'info',
      ...env,
    },
  });
  const node = { process: running, name, dir: folder, peer, http, grpc, ops };
  // Another namespace cannot be asked from here.
  if (host !== undefined) await running.line('ready', (line) => line.includes('peer-node is ready'), 30);
  else await running.until('ready', 30, () => isReady(node));
  return node;
}
