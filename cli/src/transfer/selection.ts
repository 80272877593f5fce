import { basename, matchesGlob } from 'node:path';
import type { Metainfo } from '@pixtorrent/metainfo';
import { CliError } from '../errors.ts';

/**
 * The files that match one of the patterns: by their path in the torrent, with or without its name; a pattern without
 * a slash by the file's name alone.
 * @returns indexes into `metainfo.files`; undefined where there is no pattern
 * @throws CliError `usage` where nothing matches
 */
export function selectFiles(
  metainfo: Pick<Metainfo, 'files'>,
  patterns: readonly string[],
): ReadonlySet<number> | undefined {
  if (patterns.length === 0) return undefined;
  const selected = new Set<number>();
  for (const [index, file] of metainfo.files.entries()) {
    if (file.padding) continue;
    const path = file.path.join('/');
    const below = file.path.slice(1).join('/');
    const matches = (pattern: string): boolean =>
      matchesGlob(path, pattern) ||
      matchesGlob(below, pattern) ||
      (!pattern.includes('/') && matchesGlob(basename(path), pattern));
    if (patterns.some(matches)) selected.add(index);
  }
  if (selected.size > 0) return selected;
  throw new CliError(
    'usage',
    `--select ${patterns.join(' ')} matches no file; pixtorrent inspect lists them`,
  );
}
