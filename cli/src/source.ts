import { createReadStream } from 'node:fs';
import { printable } from '@pixtorrent/core';
import { type Magnet, type Metainfo, MetainfoError, parseMagnet, parseMetainfo } from '@pixtorrent/metainfo';
import { CliError } from './errors.ts';

/** Bytes of a torrent file: more are not read. */
const MOST_BYTES = 64 * 1024 * 1024;

/** What was named on the command line: a torrent file, or a magnet link. */
export type Source =
  | { readonly type: 'torrent'; readonly metainfo: Metainfo }
  | { readonly type: 'magnet'; readonly magnet: Magnet };

/** @throws MetainfoError that names the file; the system's error where it cannot be read */
export async function readSource(named: string): Promise<Source> {
  if (!/^magnet:/i.test(named)) return { type: 'torrent', metainfo: await readTorrent(named) };
  return { type: 'magnet', magnet: placed('magnet link', () => parseMagnet(named)) };
}

/** The same for a file alone. */
export async function readTorrent(path: string): Promise<Metainfo> {
  if (/^magnet:/i.test(path)) {
    throw new CliError('usage', 'a magnet link does not hold the hashes: name a .torrent file');
  }
  const [bytes, { FILE_SYSTEM }] = await Promise.all([readBounded(path), import('@pixtorrent/client')]);
  const options = { fileSystem: FILE_SYSTEM, maxBytes: MOST_BYTES };
  return placed(printable(path), () => parseMetainfo(bytes, options));
}

/** Has a refusal name what was refused: of several torrents one has to know which. */
function placed<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MetainfoError)) throw error;
    throw new MetainfoError(error.code, where, error.message, { cause: error });
  }
}

async function readBounded(path: string): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  // One byte past the bound tells a file that is too large from one that just fits.
  for await (const part of createReadStream(path, { end: MOST_BYTES })) parts.push(part);
  return Buffer.concat(parts);
}
