import { execFile } from 'node:child_process';
import { PIXTORRENT } from '../support/clients/pixtorrent.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command that ends by itself, whatever its exit code. */
export function pixtorrent(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const [program, ...first] = PIXTORRENT;
  return new Promise((resolve) => {
    const options = { timeout: 60_000, maxBuffer: 16 << 20, env: { ...process.env, NO_COLOR: '1', ...env } };
    const child = execFile(program, [...first, ...args], options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}

/** What `--json` printed: every line has to be an object. */
export function events(stdout: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}
