import type { FileHandle } from 'node:fs/promises';

/**
 * Open files by number, at most `limit` at once: the one unused for longest is closed for the next. Who needs one
 * while all are in use waits.
 */
export class HandlePool {
  readonly #open: (key: number) => Promise<FileHandle>;
  readonly #limit: number;
  /** In the order of their last use. */
  readonly #entries = new Map<number, Entry>();
  readonly #waiters: (() => void)[] = [];

  constructor(open: (key: number) => Promise<FileHandle>, limit: number) {
    this.#open = open;
    this.#limit = limit;
  }

  /** Runs `work` on the open file, which stays open until its end. */
  async use<T>(key: number, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    const entry = await this.#pin(key);
    try {
      return await work(await entry.handle);
    } catch (error) {
      if (entry.failed) this.#entries.delete(key);
      throw error;
    } finally {
      entry.pins--;
      this.#waiters.shift()?.();
    }
  }

  /** Closes every file. None may be in use. */
  async close(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.allSettled(entries.map(async (entry) => (await entry.handle).close()));
  }

  async #pin(key: number): Promise<Entry> {
    for (;;) {
      const known = this.#entries.get(key);
      if (known !== undefined && !known.failed) {
        known.pins++;
        this.#entries.delete(key);
        this.#entries.set(key, known);
        return known;
      }
      const idle = this.#entries.size < this.#limit ? undefined : this.#takeIdle();
      if (this.#entries.size < this.#limit) {
        const entry = new Entry(this.#reopen(idle, key));
        this.#entries.set(key, entry);
        return entry;
      }
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  #takeIdle(): Entry | undefined {
    for (const [key, entry] of this.#entries) {
      if (entry.pins > 0) continue;
      this.#entries.delete(key);
      return entry;
    }
    return undefined;
  }

  async #reopen(idle: Entry | undefined, key: number): Promise<FileHandle> {
    await idle?.handle.then((handle) => handle.close()).catch(() => {});
    return this.#open(key);
  }
}

class Entry {
  readonly handle: Promise<FileHandle>;
  pins = 1;
  failed = false;

  constructor(handle: Promise<FileHandle>) {
    this.handle = handle;
    handle.catch(() => {
      this.failed = true;
    });
  }
}
