import { join } from 'node:path';
import { createTorrent } from '../support/clients/pixtorrent.ts';
import { digestTree, writeFileOf } from '../support/content.ts';
import type { Scope } from '../support/scope.ts';

export const PIECE_LENGTH = 256 << 10;

export interface Fixture {
  readonly folder: string;
  readonly file: string;
  readonly torrent: string;
  readonly infoHash: Buffer;
  readonly size: number;
  readonly digests: Readonly<Record<string, string>>;
}

/** A file with its torrent, in a folder of the scope. */
export async function fixture(scope: Scope, size: number): Promise<Fixture> {
  const folder = await scope.folder();
  const file = join(folder, 'content.bin');
  await writeFileOf(file, 'robust', size);
  const torrent = join(await scope.folder(), 'content.torrent');
  const infoHash = await createTorrent(file, torrent, '--piece-length', `${PIECE_LENGTH}`);
  return {
    folder,
    file,
    torrent,
    infoHash: Buffer.from(infoHash, 'hex'),
    size,
    digests: await digestTree(folder),
  };
}
