import { fileURLToPath } from 'node:url';
import { Process, run } from '../processes.ts';
import type { Scope } from '../scope.ts';
import { addressOf, type Client, type Job, type Running, START_SECONDS } from './client.ts';

const PYTHON = '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('./libtorrent-client.py', import.meta.url));
const MAKER = fileURLToPath(new URL('./libtorrent-create.py', import.meta.url));

/** libtorrent (rasterbar) by its Python binding, which belongs to Debian's own Python. */
export const libtorrent: Client = {
  name: 'libtorrent',
  takesPeers: true,
  makesEmptyFiles: true,

  async seed(scope, job) {
    const running = await start(scope, job);
    await running.process.line('ready', is('ready'), START_SECONDS);
    await running.complete(START_SECONDS);
    return running;
  },

  get: start,
};

async function start(scope: Scope, job: Job): Promise<Running> {
  const settings = {
    torrent: job.torrent,
    folder: job.folder,
    address: addressOf(job),
    port: job.port,
    peers: (job.peers ?? []).map((peer) => [peer.host, peer.port]),
  };
  const command = [PYTHON, SCRIPT, JSON.stringify(settings)];
  const process = await Process.start(scope, 'libtorrent', command, { host: job.host });
  return {
    process,
    complete: async (seconds) => {
      await process.line('completion', is('complete'), seconds);
    },
  };
}

function is(event: string): (line: string) => boolean {
  return (line) => line.startsWith(`{"event": "${event}"`);
}

/**
 * A .torrent (v1) by libtorrent's own maker.
 * @param pieceLength bytes. @default libtorrent's own choice
 * @returns the info hash, hex
 */
export async function createByLibtorrent(
  content: string,
  torrent: string,
  tracker = '',
  pieceLength = 0,
): Promise<string> {
  return (await run([PYTHON, MAKER, content, torrent, tracker, `${pieceLength}`])).trim();
}
