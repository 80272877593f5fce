import { FILE_SYSTEM } from '@pixtorrent/client';
import { toHex } from '@pixtorrent/core';
import { type Metainfo, parseMetainfo } from '@pixtorrent/metainfo';
import type { KnownEntry } from '../content/entry-record.ts';
import type { Torrents } from '../torrents/torrents.ts';
import type { Catalogue } from '../tracker/catalogue.ts';
import { GatewayError } from './errors.ts';

export interface KnownTorrent {
  readonly metainfo: Metainfo;
  /** The torrent file. */
  readonly torrent: Uint8Array;
}

/** Bytes of torrent files that are kept although they are not held here. */
const LIMIT = 32 * 2 ** 20;

/** The torrents of entries: those that are held here, and some of the others, which the catalogue tells. */
export class KnownTorrents {
  readonly #torrents: Pick<Torrents, 'get'>;
  readonly #catalogue: Pick<Catalogue, 'torrentOf'>;
  /** By info hash, the least recently used first. */
  readonly #told = new Map<string, KnownTorrent>();
  readonly #asked = new Map<string, Promise<KnownTorrent>>();
  #bytes = 0;

  constructor(torrents: Pick<Torrents, 'get'>, catalogue: Pick<Catalogue, 'torrentOf'>) {
    this.#torrents = torrents;
    this.#catalogue = catalogue;
  }

  /** @throws GatewayError `unknown`, `unavailable` */
  async of(entry: KnownEntry): Promise<KnownTorrent> {
    const held = this.#torrents.get(entry.infoHash);
    if (held !== undefined) return held;
    const key = toHex(entry.infoHash);
    const told = this.#told.get(key);
    if (told !== undefined) {
      this.#told.delete(key);
      this.#told.set(key, told);
      return told;
    }
    const asked = this.#asked.get(key);
    if (asked !== undefined) return asked;
    const asking = this.#ask(entry).finally(() => this.#asked.delete(key));
    this.#asked.set(key, asking);
    return asking;
  }

  async #ask(entry: KnownEntry): Promise<KnownTorrent> {
    let torrent: Uint8Array | undefined;
    try {
      torrent = await this.#catalogue.torrentOf(entry);
    } catch (error) {
      throw new GatewayError('unavailable', 'it is not here, and the tracker service does not answer', {
        cause: error,
      });
    }
    if (torrent === undefined) throw new GatewayError('unknown', `${entry.name} is not there any more`);
    const told = { torrent, metainfo: parseMetainfo(torrent, { fileSystem: FILE_SYSTEM }) };
    this.#told.set(toHex(entry.infoHash), told);
    this.#bytes += torrent.length;
    for (const [key, { torrent: oldest }] of this.#told) {
      if (this.#bytes <= LIMIT) break;
      this.#told.delete(key);
      this.#bytes -= oldest.length;
    }
    return told;
  }
}
