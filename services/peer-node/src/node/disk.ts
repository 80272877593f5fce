import { statfs } from 'node:fs/promises';
import { type Logger, printable, type Timers } from '@pixtorrent/core';
import type { ContentFolder } from '../content/content-folder.ts';

export interface DiskDependencies {
  readonly folder: Pick<ContentFolder, 'paths' | 'check'>;
  readonly timers: Timers;
  readonly logger: Logger;
}

/** Milliseconds between two looks. */
const PERIOD = 10_000;
/** Milliseconds that a disk has to take a write. */
const DEADLINE = 10_000;
/** Bytes that have to be free: for what is kept beside content. */
const LEAST_FREE = 64 * 2 ** 20;

/** Looks from time to time whether the disk takes what is written, and how much room there is. */
export class Disk {
  readonly #deps: DiskDependencies;
  #free: number;
  #fault: string | undefined;
  #timer: { cancel(): void } | undefined;
  #closed = false;

  private constructor(dependencies: DiskDependencies, free: number) {
    this.#deps = dependencies;
    this.#free = free;
    this.#schedule();
  }

  /** @throws the system's error */
  static async open(dependencies: DiskDependencies): Promise<Disk> {
    return new Disk(dependencies, await freeOf(dependencies.folder));
  }

  /** Bytes that are free, as of the last look. */
  get free(): number {
    return this.#free;
  }

  /** Why it cannot be written to. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Whether there is next to no room. */
  get full(): boolean {
    return this.#free < LEAST_FREE;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = this.#deps.timers.after(PERIOD, () => void this.#look());
  }

  /** The next one begins when this one has ended: a disk that hangs is asked once. */
  async #look(): Promise<void> {
    const { folder, timers } = this.#deps;
    const late = timers.after(DEADLINE, () => this.#found(`it takes no write within ${DEADLINE / 1000} s`));
    try {
      await folder.check();
      this.#free = await freeOf(folder);
      this.#found(undefined);
    } catch (error) {
      this.#found(printable((error as Error).message, 300));
    } finally {
      late.cancel();
      this.#schedule();
    }
  }

  #found(fault: string | undefined): void {
    if (fault !== this.#fault) {
      if (fault === undefined) this.#deps.logger.info('the disk works again');
      else this.#deps.logger.error('the disk does not work', { reason: fault });
    }
    this.#fault = fault;
  }
}

async function freeOf({ paths }: DiskDependencies['folder']): Promise<number> {
  const { bavail, bsize } = await statfs(paths.root);
  return bavail * bsize;
}
