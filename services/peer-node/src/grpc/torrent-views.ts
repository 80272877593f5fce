import type { peer as wire } from '@pixtorrent/contracts';
import { toHex } from '@pixtorrent/core';
import { entryKey } from '../content/entry-record.ts';
import type { KeptTorrent } from '../torrents/kept-torrent.ts';
import type { Catalogue } from '../tracker/catalogue.ts';
import { torrentMessage } from './peer-messages.ts';

const NONE: readonly string[] = [];

/** Torrents as messages, with what the catalogue calls them: that is looked up once for each state of the catalogue. */
export class TorrentViews {
  readonly #catalogue: Catalogue;
  readonly #changed = (): void => {
    this.#names = undefined;
  };
  #names: Map<string, string[]> | undefined;

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
    catalogue.on('changed', this.#changed);
  }

  of(torrent: KeptTorrent): wire.Torrent {
    this.#names ??= this.#namesByHash();
    return torrentMessage(torrent, this.#names.get(toHex(torrent.metainfo.infoHash)) ?? NONE);
  }

  close(): void {
    this.#catalogue.off('changed', this.#changed);
  }

  #namesByHash(): Map<string, string[]> {
    const names = new Map<string, string[]>();
    for (const entry of this.#catalogue.entries.values()) {
      const hash = toHex(entry.infoHash);
      const known = names.get(hash);
      if (known === undefined) names.set(hash, [entryKey(entry)]);
      else known.push(entryKey(entry));
    }
    return names;
  }
}
