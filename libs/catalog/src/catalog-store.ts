import type { InfoHash } from '@pixtorrent/core';
import type { EntryPlace } from './entry-order.ts';

/** How many nodes are to hold a content. */
export type Replicas = 'all' | number;

export type Labels = Readonly<Record<string, string>>;

/** One version of a name. */
export interface CatalogEntry {
  readonly name: string;
  /** From 1; a number is never used again for the same name. */
  readonly version: number;
  readonly infoHash: InfoHash;
  /** Bytes of content. */
  readonly size: number;
  /** Whether its peers may come from trackers only (BEP 27). */
  readonly private: boolean;
  readonly replicas: Replicas;
  readonly labels: Labels;
  /** Milliseconds since 1970. */
  readonly published: number;
}

/** What is to be published. Its name and labels have been validated, its torrent parsed: `draftOf` makes it. */
export interface CatalogDraft extends Omit<CatalogEntry, 'version' | 'published'> {
  readonly torrent: Uint8Array;
}

/** A version as it was before it was lost. */
export interface LostEntry extends CatalogDraft, Pick<CatalogEntry, 'version' | 'published'> {}

/** A version that was removed. One that got the same number later, of a catalogue that had lost it, is another. */
export interface RemovedVersion extends EntryPlace {
  /** When it had been published, in milliseconds since 1970. */
  readonly published: number;
}

export interface Removal extends RemovedVersion {
  /** Its place in the order in which the store came to know of them. */
  readonly rank: number;
}

export type CatalogChange =
  | { readonly type: 'published'; readonly entry: CatalogEntry }
  | { readonly type: 'removed'; readonly entry: CatalogEntry }
  /** Changes may have been missed: what is known is to be read again. */
  | { readonly type: 'lost' };

export interface CatalogQuery {
  /** Only entries that have all of these. */
  readonly labels?: Labels;
  readonly allVersions?: boolean;
  /** Only what comes after this; where only newest versions are asked for, only what comes after the name. */
  readonly after?: EntryPlace;
  /** Entries at the most, at least 1; 1,000 are not exceeded. */
  readonly limit: number;
}

/** Where the catalogue is kept; `catalog-store.suite.ts` says in full what every store does. */
export interface CatalogStore {
  /**
   * Adds a version, or returns the newest where it has the same info hash, replicas and labels already. Atomic. Each
   * version of a name is published later than those before it, whatever the clock says.
   * @param afterVersion a new version is greater, at most 2³¹ - 1
   * @throws CatalogError `full`, `unavailable`
   */
  publish(draft: CatalogDraft, afterVersion?: number): Promise<CatalogEntry>;
  /**
   * The newest where no version is named; undefined where it is not there. The bytes are the caller's to read only.
   * @throws CatalogError
   */
  get(name: string, version?: number): Promise<{ entry: CatalogEntry; torrent: Uint8Array } | undefined>;
  /** By name, then by version; newest versions only unless all are asked for. @throws CatalogError */
  list(query: CatalogQuery): Promise<CatalogEntry[]>;
  /** What is gone by it; all versions where none is named. @throws CatalogError */
  remove(name: string, version?: number): Promise<CatalogEntry[]>;
  /**
   * Puts a version back that was lost. It stays away where it was removed, or where its name was published later with
   * the same number or a smaller one; versions of earlier publications with its number or a greater one go. Atomic.
   * @returns whether it is there now
   * @throws CatalogError `full`, `unavailable`
   */
  restore(lost: LostEntry): Promise<boolean>;
  /** Remembers that a version was removed, and removes it where it is there. @throws CatalogError */
  restoreRemoval(removed: RemovedVersion): Promise<void>;
  /**
   * What was removed and is remembered, in the order of ranks.
   * @param after only what has a greater rank
   * @param limit 1 to 1,000
   * @throws CatalogError
   */
  removals(after: number, limit: number): Promise<Removal[]>;
  /** Which of at most 1,000 versions were removed, as far as that is remembered. @throws CatalogError */
  wereRemoved(versions: readonly RemovedVersion[]): Promise<boolean[]>;
  /**
   * Has `listener`, which does not throw, hear of each change from now on in the order in which they were made,
   * whichever process makes them. Whoever wants to know everything watches first, then reads, and reads again on
   * `lost`, which also comes once where the store had to be connected first.
   * @returns what ends it
   */
  watch(listener: (change: CatalogChange) => void): () => void;
  /** Ends what the store does by itself. What is asked afterwards fails. */
  close(): Promise<void>;
}
