import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '@pixtorrent/node-io';
import { z } from 'zod';

const HASH = z.string().regex(/^[0-9a-f]{40}$/);
const stored = z.object({
  /** By info hash: milliseconds since 1970 when all of it was last looked at, or came. */
  looked: z.record(HASH, z.number()),
  /** What is being looked at, and the piece to go on with. */
  underway: z.object({ infoHash: HASH, piece: z.int().min(0) }).optional(),
});

type Stored = z.infer<typeof stored>;

/** Torrents that are remembered; the size of the file is bounded by them. */
const MOST = 100_000;

/** How far a node has looked at what is on its disk, kept there, so that a restart does not begin anew. */
export class ScrubRecord {
  readonly #path: string;
  readonly #looked: Map<string, number>;
  #underway: Stored['underway'];
  #changed = false;

  private constructor(path: string, { looked, underway }: Stored) {
    this.#path = path;
    this.#looked = new Map(Object.entries(looked));
    this.#underway = underway;
  }

  /** What cannot be read counts as nothing. */
  static async open(root: string): Promise<ScrubRecord> {
    const path = join(root, 'scrub.json');
    try {
      return new ScrubRecord(path, stored.parse(JSON.parse(await readFile(path, 'utf8'))));
    } catch {
      return new ScrubRecord(path, { looked: {} });
    }
  }

  get underway(): Stored['underway'] {
    return this.#underway;
  }

  /** When all of a torrent was last looked at; a new one came just now, and was hashed on its way. */
  lookedAt(infoHash: string, now: number): number {
    const known = this.#looked.get(infoHash);
    if (known !== undefined) return known;
    if (this.#looked.size < MOST) {
      this.#looked.set(infoHash, now);
      this.#changed = true;
    }
    return now;
  }

  /** Nothing but what is there is remembered. */
  keepOnly(there: ReadonlySet<string>): void {
    for (const infoHash of this.#looked.keys())
      if (!there.has(infoHash)) this.#changed = this.#looked.delete(infoHash);
    if (this.#underway !== undefined && !there.has(this.#underway.infoHash)) this.#underway = undefined;
  }

  reached(infoHash: string, piece: number): void {
    this.#underway = { infoHash, piece };
    this.#changed = true;
  }

  finished(infoHash: string, now: number): void {
    this.#underway = undefined;
    this.#looked.set(infoHash, now);
    this.#changed = true;
  }

  /** Nothing where nothing has changed. @throws the system's error */
  async save(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    const record: Stored = {
      looked: Object.fromEntries(this.#looked),
      ...(this.#underway && { underway: this.#underway }),
    };
    await replaceFile(this.#path, JSON.stringify(record));
  }
}
