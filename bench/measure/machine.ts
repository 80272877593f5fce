import { cpus, release, totalmem } from 'node:os';
import { run } from '../../integration-tests/support/processes.ts';

/** What the figures depend on, without the names of hosts or people. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly libtorrent: string;
  readonly aria2: string;
}

export async function describeMachine(): Promise<Machine> {
  const versionOfLibtorrent = 'import libtorrent; print(libtorrent.__version__)';
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release().split('-', 1)[0]!,
    node: process.version,
    libtorrent: (await run(['/usr/bin/python3', '-c', versionOfLibtorrent])).trim(),
    aria2: /version (\S+)/.exec(await run(['aria2c', '--version']))?.[1] ?? 'unknown',
  };
}
