/**
 * Takes from the installed packages what no program reads as it runs: types, sources, source maps, documents and tests.
 * Licences stay. `node deploy/docker/prune.ts`, where `node_modules` is.
 */
import { globSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const UNREAD = /\.(map|ts|mts|cts|md|markdown|cc|h)$/i;
const LICENCE = /^(licen[cs]e|copying|notice)/i;

const FOLDERS = 'test,tests,spec,specs,__tests__,benchmark,benchmarks,example,examples';

for (const folder of globSync(['node_modules/@types', `node_modules/{*,@*/*}/{${FOLDERS}}`]))
  rmSync(folder, { recursive: true });
for (const entry of globSync('node_modules/**/*', { withFileTypes: true }))
  if (entry.isFile() && UNREAD.test(entry.name) && !LICENCE.test(entry.name))
    rmSync(join(entry.parentPath, entry.name));
