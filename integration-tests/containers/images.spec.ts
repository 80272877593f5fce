import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { IMAGE_TAG, IMAGES, imageOf } from '../support/images.ts';
import { until } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';

const CONFINED = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--network=none'];

const LOCKED: Readonly<Record<string, { readonly dev?: boolean }>> = JSON.parse(
  readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'),
).packages;
const FIRST_PROCESS = '--import=/app/first-process.mjs';

/** What an image is, and what it is made of, as it is seen from inside. */
const LOOK = `
  const { accessSync, constants, globSync, readdirSync, readFileSync } = fs;
  const writable = (path) => { try { accessSync(path, constants.W_OK); return true } catch { return false } };
  const all = readdirSync('/app', { recursive: true }).map((name) => '/app/' + name);
  console.log(JSON.stringify({
    user: process.getuid() + ':' + process.getgid(),
    writable: ['/app', '/', '/etc', ...all].filter(writable),
    data: fs.statSync('/data').uid + ':' + fs.statSync('/data').gid,
    unread: all.filter((name) => /\\.(ts|map|spec\\.js)$/.test(name)),
    packages: globSync('/app/node_modules/{*,@*/*}').map((name) => name.slice('/app/node_modules/'.length)),
  }));
`;

function docker(args: readonly string[]): string {
  return execFileSync('docker', args, { encoding: 'utf8', timeout: 60_000 });
}

describe.runIf(requirement('docker')).each(IMAGES)('the image of %s', (name) => {
  const image = imageOf(name);

  it('is told of by labels, and started without a shell as nobody in particular', () => {
    const { Config } = JSON.parse(docker(['image', 'inspect', '--format', '{{json .}}', image]));
    expect(Config.User).toBe('1000:1000');
    expect(Config.Entrypoint).toEqual(expect.arrayContaining(['node', FIRST_PROCESS]));
    expect(Config.Cmd ?? []).toEqual([]);
    expect(Config.Labels).toMatchObject({
      'org.opencontainers.image.title': expect.stringContaining('PixTorrent'),
      'org.opencontainers.image.licenses': 'MIT',
      'org.opencontainers.image.version': IMAGE_TAG,
    });
  });

  it('has nothing in it that it could write to but its volume, and nothing that it does not run', () => {
    const { packages, ...seen } = JSON.parse(
      docker(['run', '--rm', ...CONFINED, '--entrypoint=node', image, '-e', LOOK]),
    );
    expect(seen).toEqual({ user: '1000:1000', writable: [], data: '1000:1000', unread: [] });
    expect(packages).toContain('@pixtorrent/core');
    const developed = packages.filter((each: string) => LOCKED[`node_modules/${each}`]?.dev);
    expect(developed).toEqual([]);
    // The runtime is the image's own.
    expect(packages).not.toContain('node');
  });
});

describe.runIf(requirement('docker'))('a container', () => {
  it('of the command runs it', () => {
    expect(docker(['run', '--rm', ...CONFINED, imageOf('cli'), '--version'])).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('with a wrong setting ends by saying so', () => {
    const { status, stderr } = spawnSync(
      'docker',
      ['run', '--rm', ...CONFINED, '--env=PEER_PORT=many', imageOf('peer-node')],
      { encoding: 'utf8', timeout: 60_000 },
    );
    expect(stderr).toContain('PEER_PORT');
    expect(status).toBe(2);
  });

  it('ends when it is told to, where nothing in it listens for that yet', async () => {
    const waiting = ['-e', 'console.log("waits"); setInterval(() => {}, 1000)'];
    const args = [
      '--detach',
      ...CONFINED,
      '--entrypoint=node',
      imageOf('tracker'),
      FIRST_PROCESS,
      ...waiting,
    ];
    const id = docker(['run', ...args]).trim();
    try {
      await until(
        30,
        () => docker(['logs', id]).includes('waits') || undefined,
        () => new Error('nothing runs'),
      );
      docker(['stop', '--time=30', id]);
      expect(docker(['inspect', '--format={{.State.ExitCode}}', id]).trim()).toBe('143');
    } finally {
      docker(['rm', '--force', '--volumes', id]);
    }
  });
});
