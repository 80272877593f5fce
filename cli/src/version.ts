import { readFileSync } from 'node:fs';

/** Of the package that this file is a part of. */
export function version(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}
