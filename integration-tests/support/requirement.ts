import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { missingForImages } from './images.ts';

const SETS = {
  clients: [
    'ip',
    'tc',
    'ss',
    'transmission-daemon',
    'transmission-remote',
    'aria2c',
    'opentracker',
    '/usr/bin/python3',
  ],
  root: [],
  redis: ['redis-server', 'redis-cli', 'openssl'],
  readers: ['curl', 'wget', 'aria2c'],
  docker: ['docker'],
  browser: ['chromium'],
  promtool: ['promtool', 'prometheus'],
  cluster: ['kubectl'],
  'cluster-swarm': ['kubectl'],
  machines: ['kubectl'],
} as const;

type Requirement = keyof typeof SETS;

const ON_A_CLUSTER: ReadonlySet<Requirement> = new Set(['cluster', 'cluster-swarm', 'machines']);

const required = new Set((process.env.PIXTORRENT_TEST_REQUIRE ?? '').split(',').filter(Boolean));

/**
 * Whether this machine has what a group of tests needs, for `describe.runIf`. Where it has not, one line says so;
 * a group that is named in PIXTORRENT_TEST_REQUIRE must be there.
 * @throws Error where the group is demanded and missing
 */
export function requirement(name: Requirement): boolean {
  const missing: string[] = SETS[name].filter((program) => !isInstalled(program));
  if ((name === 'clients' || name === 'root') && process.getuid?.() !== 0) missing.push('the rights of root');
  if (name === 'docker' && missing.length === 0) missing.push(...missingForImages());
  // A kube context may be somebody's production: it is used where that was asked for, and nowhere else.
  if (ON_A_CLUSTER.has(name) && !required.has(name)) missing.push('its name in PIXTORRENT_TEST_REQUIRE');
  if (name === 'machines' && !process.env.PIXTORRENT_CLUSTER_FAULTS)
    missing.push('PIXTORRENT_CLUSTER_FAULTS, a program that does to a machine what it is told');
  if (missing.length === 0) return true;
  const message = `tests that need ${name}: missing ${missing.join(', ')}`;
  if (required.has(name)) throw new Error(message);
  process.stderr.write(`skipped ${message}\n`);
  return false;
}

function isInstalled(program: string): boolean {
  const folders = program.startsWith('/')
    ? ['']
    : [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
