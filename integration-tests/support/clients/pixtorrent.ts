import { fileURLToPath } from 'node:url';
import type { Host } from '../namespaces.ts';
import { Process, run } from '../processes.ts';
import type { Scope } from '../scope.ts';
import { addressOf, type Client, type Endpoint, type Job, type Running, START_SECONDS } from './client.ts';

const EXECUTABLE = fileURLToPath(new URL('../../../cli/bin/pixtorrent.js', import.meta.url));

/** The command as it is installed. It runs from the build, which the test run brings up to date first. */
export const PIXTORRENT = [process.execPath, EXECUTABLE] as const;

/** One line of `--json`. */
export type Event =
  | { readonly event: 'ready'; readonly infoHash: string; readonly host: string; readonly port: number }
  | {
      readonly event: 'progress';
      readonly downloaded: number;
      readonly uploaded: number;
      readonly pieces: number;
    }
  | { readonly event: 'complete'; readonly downloaded: number; readonly seconds: number }
  | { readonly event: 'error'; readonly code: string; readonly message: string };

export const pixtorrent: Client = {
  name: 'pixtorrent',
  takesPeers: true,
  makesEmptyFiles: true,
  async seed(scope, job) {
    return runningAs((await startSeed(scope, job)).process);
  },
  async get(scope, job) {
    return runningAs(await startGet(scope, job, '--stay'));
  },
};

/** `pixtorrent seed`, when it is ready: the content was verified, and it listens on `endpoint`. */
export async function startSeed(
  scope: Scope,
  job: Job,
  ...more: readonly string[]
): Promise<{ readonly process: Process; readonly endpoint: Endpoint }> {
  const process = await start(scope, job, 'seed', more);
  const { port } = await event(process, 'ready', START_SECONDS);
  return { process, endpoint: { host: addressOf(job), port } };
}

/** `pixtorrent get`, which ends when it is complete unless `--stay` is among `more`. */
export function startGet(scope: Scope, job: Job, ...more: readonly string[]): Promise<Process> {
  const peers = (job.peers ?? []).flatMap((peer) => ['--peer', `${peer.host}:${peer.port}`]);
  return start(scope, job, 'get', [...peers, ...more]);
}

/** The first event of a kind. @throws Error with the log after the deadline */
export async function event<Kind extends Event['event']>(
  process: Process,
  kind: Kind,
  seconds: number,
  accepts: (event: Extract<Event, { event: Kind }>) => boolean = () => true,
): Promise<Extract<Event, { event: Kind }>> {
  const line = await process.line(
    `event "${kind}"`,
    (text) => {
      const parsed = parse(text);
      return parsed?.event === kind && accepts(parsed as Extract<Event, { event: Kind }>);
    },
    seconds,
  );
  return parse(line) as Extract<Event, { event: Kind }>;
}

/** `pixtorrent create`. @returns the info hash, hex */
export async function createTorrent(
  content: string,
  torrent: string,
  ...more: readonly string[]
): Promise<string> {
  const output = await run([...PIXTORRENT, 'create', content, '--out', torrent, '--json', ...more]);
  return JSON.parse(output.trim().split('\n').at(-1)!).infoHash;
}

/** `pixtorrent tracker` in memory. @returns its HTTP announce URL, as the other hosts see it */
export async function startTracker(scope: Scope, host?: Host): Promise<string> {
  const command = [...PIXTORRENT, 'tracker', '--http-port', '0', '--json'];
  const process = await Process.start(scope, 'pixtorrent tracker', command, { host });
  const line = await process.line('event "ready"', (text) => text.includes('"ready"'), START_SECONDS);
  const { port } = JSON.parse(line);
  return `http://${host?.address ?? '127.0.0.1'}:${port}/announce`;
}

function start(scope: Scope, job: Job, command: string, more: readonly string[]): Promise<Process> {
  const args = [command, job.torrent, '--dir', job.folder, '--host', addressOf(job), '--port', `${job.port}`];
  return Process.start(scope, `pixtorrent ${command}`, [...PIXTORRENT, ...args, '--json', ...more], {
    host: job.host,
    ...(job.env && { env: job.env }),
  });
}

function runningAs(process: Process): Running {
  return {
    process,
    complete: async (seconds) => {
      await event(process, 'complete', seconds);
    },
  };
}

function parse(line: string): Event | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
