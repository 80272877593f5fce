/**
 * Gathers what an image runs: the JavaScript, and what else is read as it runs, of a package and of those of this
 * repository that it depends on.
 * `node deploy/docker/assemble.ts PACKAGE FOLDER`
 */
import { cpSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Of a package's folder. */
const PARTS = ['package.json', 'bin/*.js', 'dist/**/*.js', 'page/*.{html,css,svg}', 'page/dist/**/*.js'];
const FOR_TESTS = /\/(fixtures|suite)\/|\.suite\.js$/;

interface Package {
  readonly folder: string;
  readonly dependencies: readonly string[];
}

const [wanted, target] = process.argv.slice(2);
if (wanted === undefined || target === undefined) throw new Error('usage: assemble.ts PACKAGE FOLDER');

const packages = new Map<string, Package>();
for (const file of globSync(['libs/*/package.json', 'services/*/package.json', 'cli/package.json'])) {
  const { name, dependencies = {} } = JSON.parse(readFileSync(file, 'utf8'));
  packages.set(name, { folder: dirname(file), dependencies: Object.keys(dependencies) });
}
if (!packages.has(wanted)) throw new Error(`${wanted} is no package of this repository`);

const gathered = new Set<string>();
const gather = (name: string): void => {
  const found = packages.get(name);
  if (found === undefined || gathered.has(name)) return;
  gathered.add(name);
  for (const file of globSync(PARTS.map((part) => `${found.folder}/${part}`)))
    if (!FOR_TESTS.test(file)) cpSync(file, join(target, file));
  for (const dependency of found.dependencies) gather(dependency);
};
gather(wanted);
