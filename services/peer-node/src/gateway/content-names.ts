import { entryKey, type KnownEntry } from '../content/entry-record.ts';

/** What the catalogue says, or said last. */
export interface NameSource {
  /** By NAME@VERSION. */
  readonly entries: ReadonlyMap<string, KnownEntry>;
  readonly current: boolean;
  on(event: 'changed', listener: () => void): unknown;
}

/** What a path names. */
export interface NamedContent {
  readonly entry: KnownEntry;
  /** It was asked for by its version, and will be the same for ever. */
  readonly fixed: boolean;
  /** The path within it. */
  readonly path: readonly string[];
}

/** Of a catalogue: characters of a name. */
const LONGEST_NAME = 253;
const VERSIONED = /^(.+)@([1-9]\d{0,9})$/;

/** The names that a node knows, and what of them is meant. */
export class ContentNames {
  readonly #source: NameSource;
  readonly #kept: () => Iterable<KnownEntry>;
  #newest: ReadonlyMap<string, KnownEntry> | undefined;

  /** @param kept entries on this node's disk: what there is to say before the catalogue has been told */
  constructor(source: NameSource, kept: () => Iterable<KnownEntry>) {
    this.#source = source;
    this.#kept = kept;
    source.on('changed', () => {
      this.#newest = undefined;
    });
  }

  /** Whether a name that is not found does not exist. */
  get current(): boolean {
    return this.#source.current;
  }

  /** The newest version of each name. */
  newest(): ReadonlyMap<string, KnownEntry> {
    if (this.#newest !== undefined) return this.#newest;
    const newest = newestOf(this.#entries().values());
    if (this.#told) this.#newest = newest;
    return newest;
  }

  /**
   * The content whose name is the longest that the path begins with, `NAME` or `NAME@VERSION`.
   * @returns undefined where there is none
   */
  find(segments: readonly string[]): NamedContent | undefined {
    const prefixes: string[] = [];
    for (const segment of segments) {
      const longer = prefixes.length === 0 ? segment : `${prefixes.at(-1)}/${segment}`;
      if (longer.length > LONGEST_NAME + 11) break;
      prefixes.push(longer);
    }
    for (let count = prefixes.length; count > 0; count--) {
      const name = prefixes[count - 1]!;
      const fixed = VERSIONED.test(name);
      const entry = fixed ? this.#entries().get(name) : this.newest().get(name);
      if (entry !== undefined) return { entry, fixed, path: segments.slice(count) };
    }
    return undefined;
  }

  get #told(): boolean {
    return this.#source.current || this.#source.entries.size > 0;
  }

  #entries(): ReadonlyMap<string, KnownEntry> {
    if (this.#told) return this.#source.entries;
    return new Map([...this.#kept()].map((entry) => [entryKey(entry), entry]));
  }
}

function newestOf(entries: Iterable<KnownEntry>): Map<string, KnownEntry> {
  const newest = new Map<string, KnownEntry>();
  for (const entry of entries) {
    if (entry.version > (newest.get(entry.name)?.version ?? 0)) newest.set(entry.name, entry);
  }
  return newest;
}
