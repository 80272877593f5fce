/**
 * Builds every image with the Docker engine of this machine: `npm run images`, or
 * `npm run images -- --registry registry.example/team --tag 1.2.3 --node-image node:24-bookworm-slim`.
 */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const IMAGES = ['tracker', 'peer-node', 'metrics', 'cli'];
const KEPT_LINES = 60;

const root = new URL('../..', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
const { values: options } = parseArgs({
  options: {
    registry: { type: 'string', default: '' },
    tag: { type: 'string', default: version },
    'node-image': { type: 'string', default: 'node:24-bookworm-slim' },
  },
});
const prefix = options.registry === '' ? '' : `${options.registry.replace(/\/$/, '')}/`;

try {
  requireEngine();
  for (const name of IMAGES) await build(name, `${prefix}pixtorrent/${name}:${options.tag}`);
} catch (error) {
  process.stderr.write(`images: ${(error as Error).message}\n`);
  process.exit(1);
}

/** @throws Error with what to do where no engine answers */
function requireEngine(): void {
  try {
    execFileSync('docker', ['version', '--format', '{{.Server.Version}}'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer };
    if (code === 'ENOENT') throw new Error('there is no docker command; images are built by a Docker engine');
    throw new Error(`the Docker engine does not answer: ${stderr?.toString().trim() ?? code}`);
  }
}

async function build(name: string, image: string): Promise<void> {
  const began = performance.now();
  const labels = {
    version: options.tag,
    'base.name': options['node-image'],
    ...revision(),
  };
  const child = spawn(
    'docker',
    [
      ...['build', '--file', 'deploy/docker/Dockerfile', '--target', name, '--tag', image],
      ...['--build-arg', `NODE_IMAGE=${options['node-image']}`],
      ...Object.entries(labels).flatMap(([key, value]) => [
        '--label',
        `org.opencontainers.image.${key}=${value}`,
      ]),
      '.',
    ],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const last: string[] = [];
  const follow = async (stream: NodeJS.ReadableStream): Promise<void> => {
    for await (const line of createInterface({ input: stream })) {
      last.push(line);
      if (last.length > KEPT_LINES) last.shift();
      showProgress(`${image}  ${line}`);
    }
  };
  await Promise.all([follow(child.stdout), follow(child.stderr)]);
  const code = await ended;
  showProgress('');
  if (code !== 0) throw new Error(`docker could not build ${image}\n${last.join('\n')}`);
  const size = execFileSync('docker', ['image', 'inspect', '--format', '{{.Size}}', image], {
    encoding: 'utf8',
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(`${image}  ${(Number(size) / 1e6).toFixed(0)} MB  ${seconds} s\n`);
}

/** Of a clone; from an archive it is not known. */
function revision(): { revision?: string } {
  try {
    const head = execFileSync('git', ['rev-parse', 'HEAD'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return { revision: head.toString().trim() };
  } catch {
    return {};
  }
}

/** The step that is at work, in one line that the next takes the place of; nothing where nobody looks. */
function showProgress(line: string): void {
  if (!process.stdout.isTTY) return;
  process.stdout.write(`\r\x1b[2K${line.slice(0, process.stdout.columns - 1)}`);
}
