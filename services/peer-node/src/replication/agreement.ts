import { type Logger, toHex } from '@pixtorrent/core';
import type { Entries } from '../content/entries.ts';
import { entryKey } from '../content/entry-record.ts';
import type { Torrents } from '../torrents/torrents.ts';
import type { Catalogue, GoneEntry } from '../tracker/catalogue.ts';

export interface AgreementDependencies {
  readonly catalogue: Catalogue;
  readonly torrents: Torrents;
  readonly entries: Entries;
  readonly logger: Logger;
}

/** Has this disk and the catalogue agree on what was removed, and on what the catalogue has lost. */
export class Agreement {
  readonly #deps: AgreementDependencies;
  /** What was removed, as far as this disk does not know it yet. */
  readonly #gone: GoneEntry[] = [];
  #restored = 0;

  constructor(dependencies: AgreementDependencies) {
    this.#deps = dependencies;
  }

  /** Entries told to a catalogue that had lost them, so far. */
  get restored(): number {
    return this.#restored;
  }

  removed(entry: GoneEntry): void {
    this.#gone.push(entry);
  }

  /** What somebody removed goes, its content too, unless another entry has the same torrent. */
  async forgetRemoved(): Promise<void> {
    const { entries, catalogue, torrents, logger } = this.#deps;
    let done = 0;
    try {
      for (; done < this.#gone.length; done++) await entries.remove(this.#gone[done]!);
    } finally {
      this.#gone.splice(0, done);
    }
    if (!catalogue.current) return;
    const alive = new Set(
      [...catalogue.entries.values(), ...entries.live()].map(({ infoHash }) => toHex(infoHash)),
    );
    for (const { infoHash, name } of entries.removed()) {
      const kept = torrents.get(infoHash);
      if (kept === undefined || kept.pinned || alive.has(toHex(infoHash))) continue;
      logger.info('removed from the catalogue', { name, infoHash: toHex(infoHash) });
      await torrents.remove(infoHash);
    }
  }

  /**
   * What is on this disk, and not in the catalogue although nobody removed it; and what is there, although somebody did.
   * @returns whether the catalogue knows better of some of it: that was removed
   */
  async restoreLost(): Promise<boolean> {
    const { entries, catalogue, torrents, logger } = this.#deps;
    if (!catalogue.current) return false;
    const lost = [...entries.live()].flatMap((entry) => {
      const kept = torrents.get(entry.infoHash);
      return kept === undefined || catalogue.entries.has(entryKey(entry))
        ? []
        : [{ entry, torrent: kept.torrent }];
    });
    const isBack = [...catalogue.entries.values()].some((entry) => entries.isRemoved(entry));
    if (lost.length === 0 && !isBack) return false;
    const refused = await catalogue.restore(lost, [...entries.removed()]);
    const restored = lost.length - refused.length;
    logger.warn('told the catalogue what it had lost', {
      restored,
      refused: refused.length,
      removed: isBack,
    });
    this.#restored += restored;
    this.#gone.push(...refused);
    return refused.length > 0;
  }
}
