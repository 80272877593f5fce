import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type InfoHash, toHex } from '@pixtorrent/core';

/** Bytes of a file's name that every file system takes. */
const LONGEST_NAME = 255;

/** Where everything is in a node's folder. A catalogue's names hold no `+` and no `@`, so that no two come together. */
export class ContentPaths {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** The folders that are there from the start. */
  get folders(): readonly string[] {
    return ['content', 'torrents', 'entries', 'by-name', 'ingest'].map((name) => join(this.root, name));
  }

  /** The folder that a torrent's file or folder is in. */
  content(infoHash: InfoHash): string {
    return join(this.root, 'content', toHex(infoHash));
  }

  /** In content, or what is to become it, of which the torrent is not kept yet. */
  unowned(content: string): string {
    return join(content, '.pixtorrent', 'unowned');
  }

  torrent(infoHash: InfoHash): string {
    return join(this.root, 'torrents', `${toHex(infoHash)}.torrent`);
  }

  /** What the catalogue said of one version of a name. */
  entry(name: string, version: number): string {
    const digest = createHash('sha256').update(name).digest('hex').slice(0, 40);
    return join(this.root, 'entries', `${digest}@${version}.json`);
  }

  /** @param version the newest whole one where it is missing @returns undefined for a name that is too long for a link */
  link(name: string, version?: number): string | undefined {
    const file = name.replaceAll('/', '+') + (version === undefined ? '' : `@${version}`);
    return file.length > LONGEST_NAME - '.new'.length ? undefined : join(this.root, 'by-name', file);
  }

  /** Where something is taken in, until it is whole. */
  ingest(id: string): string {
    return join(this.root, 'ingest', id);
  }
}
