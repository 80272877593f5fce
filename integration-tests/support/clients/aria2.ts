import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Process } from '../processes.ts';
import type { Scope } from '../scope.ts';
import { type Client, type Job, type Running, START_SECONDS } from './client.ts';

const ON_COMPLETE = fileURLToPath(new URL('./aria2-complete.sh', import.meta.url));

/** aria2 finds its peers by the tracker alone: it can be given no address. */
export const aria2: Client = aria2With('--enable-dht=false');

/** It speaks to trackers over UDP only where it has a DHT; this one knows nobody to join. */
export const aria2OverUdp: Client = aria2With('--enable-dht=true', '--dht-listen-port=7881');

function aria2With(...settings: readonly string[]): Client {
  return {
    name: 'aria2',
    takesPeers: false,
    makesEmptyFiles: true,

    async seed(scope, job) {
      const process = await start(scope, job, ...settings, '--check-integrity=true');
      await process.line(
        'verified content',
        (line) => line.includes('Verification finished successfully'),
        START_SECONDS,
      );
      return runningAs(process);
    },

    async get(scope, job) {
      return runningAs(await start(scope, job, ...settings, '--check-integrity=false'));
    },
  };
}

async function start(scope: Scope, job: Job, ...more: readonly string[]): Promise<Process> {
  const command = [
    'aria2c',
    '--no-conf=true',
    '--enable-dht6=false',
    `--dht-file-path=${join(await scope.folder(), 'dht.dat')}`,
    '--disable-ipv6=true',
    '--bt-enable-lpd=false',
    '--bt-tracker-interval=1',
    '--seed-ratio=0.0',
    '--file-allocation=none',
    '--allow-overwrite=true',
    '--show-console-readout=false',
    '--summary-interval=0',
    '--console-log-level=notice',
    `--on-bt-download-complete=${ON_COMPLETE}`,
    `--listen-port=${job.port}`,
    `--dir=${job.folder}`,
    ...more,
    job.torrent,
  ];
  return Process.start(scope, 'aria2', command, { host: job.host });
}

function runningAs(process: Process): Running {
  return {
    process,
    complete: async (seconds) => {
      await process.line('completion', (line) => line === 'complete', seconds);
    },
  };
}
