import { Turns } from '@pixtorrent/node-io';
import type { ContentFolder } from './content-folder.ts';
import { type EntryRecord, entryKey, type KnownEntry } from './entry-record.ts';

/** Removed entries that are remembered; the oldest are forgotten beyond it. */
const MAX_REMOVED = 10_000;

/** What the catalogue said of the torrents that this node has or had, kept on its disk. */
export class Entries {
  readonly #folder: ContentFolder;
  /** By NAME@VERSION. */
  readonly #records = new Map<string, EntryRecord>();
  /** What was published here is kept by who published it, and by who hears of it from the catalogue. */
  readonly #turns = new Turns<string>();
  #removed = 0;

  private constructor(folder: ContentFolder) {
    this.#folder = folder;
  }

  static async open(folder: ContentFolder): Promise<Entries> {
    const entries = new Entries(folder);
    const records = await folder.entries();
    for (const record of records.sort((a, b) => a.published - b.published)) {
      entries.#records.set(entryKey(record), record);
      if (record.removed) entries.#removed++;
    }
    return entries;
  }

  /** Those that were not removed. */
  *live(): Generator<EntryRecord> {
    for (const record of this.#records.values()) if (!record.removed) yield record;
  }

  *removed(): Generator<EntryRecord> {
    for (const record of this.#records.values()) if (record.removed) yield record;
  }

  /** Whether it is known that somebody removed it. */
  isRemoved(entry: Pick<KnownEntry, 'name' | 'version' | 'published'>): boolean {
    const known = this.#records.get(entryKey(entry));
    return known?.removed === true && known.published === entry.published;
  }

  /** Keeps an entry, on the disk before it returns; not one that was removed. @throws the system's error */
  keep(entry: KnownEntry): Promise<void> {
    const key = entryKey(entry);
    return this.#turns.take(key, async () => {
      const known = this.#records.get(key);
      if (known !== undefined && known.published === entry.published) return;
      await this.#put({ ...entry, removed: false });
    });
  }

  /** Remembers that an entry was removed. Nothing where it was never kept. @throws the system's error */
  remove(entry: Pick<KnownEntry, 'name' | 'version' | 'published'>): Promise<void> {
    const key = entryKey(entry);
    return this.#turns.take(key, async () => {
      const known = this.#records.get(key);
      if (known === undefined || known.removed || known.published !== entry.published) return;
      await this.#put({ ...known, removed: true });
      for (const record of this.removed()) {
        if (this.#removed <= MAX_REMOVED) break;
        await this.#forget(record);
      }
    });
  }

  async #put(record: EntryRecord): Promise<void> {
    await this.#folder.saveEntry(record);
    const key = entryKey(record);
    if (this.#records.get(key)?.removed) this.#removed--;
    // At the end: in the order in which they are forgotten.
    this.#records.delete(key);
    this.#records.set(key, record);
    if (record.removed) this.#removed++;
  }

  async #forget(record: EntryRecord): Promise<void> {
    await this.#folder.forgetEntry(record.name, record.version);
    this.#records.delete(entryKey(record));
    this.#removed--;
  }
}
