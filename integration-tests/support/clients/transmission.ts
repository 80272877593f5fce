import { join } from 'node:path';
import { Process, run, until } from '../processes.ts';
import type { Scope } from '../scope.ts';
import { type Client, type Job, type Running, START_SECONDS } from './client.ts';

const RPC_PORT = 9091;

/** Transmission refuses loopback peers, wants a default route and takes its peers from the tracker alone. */
export const transmission: Client = {
  name: 'Transmission',
  takesPeers: false,
  makesEmptyFiles: false,

  async seed(scope, job) {
    const running = await start(scope, job);
    await running.complete(START_SECONDS);
    return running;
  },

  get: start,
};

async function start(scope: Scope, job: Job): Promise<Running> {
  const command = [
    'transmission-daemon',
    '--foreground',
    ...['--config-dir', join(await scope.folder(), 'config')],
    ...['--download-dir', job.folder],
    ...['--port', `${RPC_PORT}`, '--no-auth', '--allowed', '127.0.0.1'],
    ...['--peerport', `${job.port}`, '--no-portmap', '--no-dht', '--no-lpd', '--no-utp'],
    '--log-info',
  ];
  const process = await Process.start(scope, 'Transmission', command, { host: job.host });
  await until(
    START_SECONDS,
    () => remote(job, '--session-info').catch(() => undefined),
    () => process.failure('no answer to its remote control'),
  );
  await remote(job, '--add', job.torrent);
  return {
    process,
    complete: async (seconds) => {
      await until(
        seconds,
        async () => (isWhole(await remote(job, '--torrent', '1', '--info')) ? true : undefined),
        () => process.failure('not complete'),
      );
    },
  };
}

function isWhole(info: string): boolean {
  return /Percent Done: 100%/.test(info) && /State: (Seeding|Idle|Finished)/.test(info);
}

function remote(job: Job, ...command: readonly string[]): Promise<string> {
  return run(['transmission-remote', `127.0.0.1:${RPC_PORT}`, ...command], job.host);
}
