/**
 * Writes down which packages are wanted: of those for development only what compiles, and nothing else that may change
 * while packages stay the same. `node deploy/docker/manifests.ts FOLDER`
 */
import { cpSync, globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };

/** The compiler, and what is compiled against: suites of tests lie among the sources. */
const COMPILES = /^(typescript|@types\/.*|vitest|fast-check)$/;

const [target] = process.argv.slice(2);
if (target === undefined) throw new Error('usage: manifests.ts FOLDER');

for (const file of globSync([
  'package-lock.json',
  '.npmrc',
  '{libs,services}/*/package.json',
  'cli/package.json',
]))
  cpSync(file, join(target, file));
const { scripts: _, devDependencies, ...wanted } = manifest;
const compiling = Object.entries(devDependencies).filter(([name]) => COMPILES.test(name));
writeFileSync(
  join(target, 'package.json'),
  JSON.stringify({ ...wanted, devDependencies: Object.fromEntries(compiling) }),
);
