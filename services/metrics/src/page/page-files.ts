import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';

export interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** Where this package has them: as they are written, and compiled. */
const FOLDERS = ['../../page/', '../../page/dist/'];

/** The files that the page consists of, by their names. @throws the system's error where it was not built */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const folder of FOLDERS) {
    const url = new URL(folder, import.meta.url);
    for (const name of readdirSync(url)) {
      const type = TYPES[extname(name)];
      if (type !== undefined) files.set(name, { type, bytes: readFileSync(new URL(name, url)) });
    }
  }
  return files;
}
