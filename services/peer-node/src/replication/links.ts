import { toHex } from '@pixtorrent/core';
import type { ContentFolder } from '../content/content-folder.ts';
import { entryKey, type KnownEntry } from '../content/entry-record.ts';
import type { Torrents } from '../torrents/torrents.ts';

/** Keeps the links by name: to each version that is whole here, and from the bare name to the newest of them. */
export class Links {
  readonly #folder: ContentFolder;
  /** Whether those of earlier lives have been looked at. */
  #cleared = false;
  /** Link to info hash. */
  readonly #there = new Map<
    string,
    { readonly name: string; readonly version?: number; readonly hash: string }
  >();

  constructor(folder: ContentFolder) {
    this.#folder = folder;
  }

  /** @param current whether `entries` are all that there are @throws the system's error */
  async update(entries: Iterable<KnownEntry>, torrents: Torrents, current: boolean): Promise<void> {
    const wanted = new Map<string, { name: string; version?: number; hash: string; entry: KnownEntry }>();
    for (const entry of entries) {
      if (torrents.get(entry.infoHash)?.condition.type !== 'seeding') continue;
      const { name, version } = entry;
      const hash = toHex(entry.infoHash);
      wanted.set(entryKey(entry), { name, version, hash, entry });
      const newest = wanted.get(name);
      if (newest === undefined || newest.entry.version < version) wanted.set(name, { name, hash, entry });
    }
    if (current && !this.#cleared) {
      await this.#folder.unlinkAllBut(wanted.values());
      this.#cleared = true;
    }
    for (const [key, { name, version }] of this.#there) {
      if (wanted.has(key)) continue;
      await this.#folder.unlink(name, version);
      this.#there.delete(key);
    }
    for (const [key, { name, version, hash, entry }] of wanted) {
      if (this.#there.get(key)?.hash === hash) continue;
      const kept = torrents.get(entry.infoHash);
      if (kept === undefined) continue;
      await this.#folder.link(name, version, kept.metainfo);
      this.#there.set(key, { name, ...(version !== undefined && { version }), hash });
    }
  }
}
