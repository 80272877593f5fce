/** What a tracker counts of a swarm. */
export interface TrackerCounts {
  readonly seeders: number;
  readonly leechers: number;
  /** How many peers have said that they became whole. */
  readonly completed: number;
}

/** As many as a tracker tells of. */
const MOST = 10_000;
const NOBODY: TrackerCounts = { seeders: 0, leechers: 0, completed: 0 };

/** The other side of swarms: what the tracker says of them, whether or not nodes report them. */
export class TrackedSwarms {
  /** By the hexadecimal info hash. */
  readonly #counts = new Map<string, TrackerCounts>();
  /** Of what it says nothing, it knows nobody: whether all that it knows was told. */
  #complete = false;

  get size(): number {
    return this.#counts.size;
  }

  /** Whether it is known what the tracker says. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Undefined where it is not known. */
  of(key: string): TrackerCounts | undefined {
    return this.#counts.get(key) ?? (this.#complete ? NOBODY : undefined);
  }

  /** Whether the tracker knows of it. */
  has(key: string): boolean {
    return this.#counts.has(key);
  }

  keys(): Iterable<string> {
    return this.#counts.keys();
  }

  set(key: string, counts: TrackerCounts): void {
    if (this.#counts.has(key) || this.#counts.size < MOST) this.#counts.set(key, counts);
  }

  delete(key: string): void {
    this.#counts.delete(key);
  }

  /** @param complete whether all that the tracker knows is here, as of now */
  settle(complete: boolean): void {
    this.#complete = complete;
  }
}
