/**
 * Puts back the optional packages of other platforms that a partial registry could not give: npm leaves them out
 * of the lock file on such a machine, and `npm ci` then refuses that file on every machine. Run it after each
 * change of a dependency: `node .ci/complete-lock.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface LockedPackage {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const packages: Record<string, LockedPackage> = lock.packages;

const systems = /(?:^|-)(android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32|aix)(?:-|$)/;
const processors = /(?:^|-)(arm64|armv7|arm|x64|ia32|ppc64|s390x|riscv64|loong64|mips64el)(?:-|$)/;

let added = 0;
for (const owner of Object.values(packages)) {
  for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
    const suffix = name.slice(name.lastIndexOf('/') + 1);
    const os = systems.exec(suffix)?.[1];
    const cpu = processors.exec(suffix)?.[1];
    if (packages[`node_modules/${name}`] || !os || !cpu || !/^\d/.test(version)) continue;
    const libc = /-musl/.test(suffix)
      ? ['musl']
      : os === 'linux' && /-gnu/.test(suffix)
        ? ['glibc']
        : undefined;
    packages[`node_modules/${name}`] = {
      version,
      ...{ cpu: [cpu.startsWith('armv7') ? 'arm' : cpu] },
      ...(owner.dev && { dev: true }),
      ...(libc && { libc }),
      ...{ optional: true, os: [os] },
    };
    added++;
  }
}

if (added > 0) {
  const paths = Object.keys(packages).sort((a, b) => a.localeCompare(b, 'en'));
  lock.packages = Object.fromEntries(paths.map((path) => [path, packages[path]]));
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
}
console.log(`${added} optional packages of other platforms put back`);
