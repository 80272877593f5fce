import type { Bitfield, Clock, Timer, Timers } from '@pixtorrent/core';
import type { ResumeFile, Stamped } from './resume-file.ts';

export interface CheckpointerDependencies {
  readonly storage: Stamped;
  readonly resume: Pick<ResumeFile, 'save'>;
  readonly clock: Clock;
  readonly timers: Timers;
  /** A checkpoint failed; the next one is tried all the same, and the download goes on. */
  readonly onError: (error: Error) => void;
}

export interface CheckpointerOptions {
  /**
   * Milliseconds from one checkpoint to the next, while pieces arrive.
   * @default 5,000
   */
  readonly interval?: number;
  /**
   * Bytes stored since the last checkpoint that bring the next one forward.
   * @default 2 GiB
   */
  readonly bytes?: number;
}

/**
 * Records now and then which pieces are stored, so that a download that is killed loses no more than what arrived
 * since. One checkpoint at a time, none while nothing changes, and nobody waits for it but `close`.
 */
export class Checkpointer {
  readonly #dependencies: CheckpointerDependencies;
  readonly #pieces: Bitfield;
  readonly #interval: number;
  readonly #bytes: number;
  #unrecordedBytes = 0;
  #lastStart: number;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  /** @param pieces stored at the start; copied */
  constructor(dependencies: CheckpointerDependencies, pieces: Bitfield, options: CheckpointerOptions = {}) {
    this.#dependencies = dependencies;
    this.#pieces = pieces.clone();
    this.#interval = options.interval ?? 5000;
    this.#bytes = options.bytes ?? 2 * 1024 ** 3;
    this.#lastStart = Number.NEGATIVE_INFINITY;
  }

  /** Makes the first checkpoint: from now on the files may change. */
  start(): Promise<void> {
    return this.#run(false);
  }

  /** A verified piece of `bytes` has been written. */
  stored(piece: number, bytes: number): void {
    this.#pieces.add(piece);
    this.#unrecordedBytes += bytes;
    this.#schedule();
  }

  /** A piece that was stored is so no longer. */
  lost(piece: number): void {
    if (!this.#pieces.delete(piece)) return;
    this.#unrecordedBytes++;
    this.#schedule();
  }

  /** Makes the last checkpoint, which says that the files are left in peace: no piece may be on its way to them. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#running;
    await this.#run(true);
  }

  #schedule(): void {
    if (this.#running !== undefined || this.#closed) return;
    const due = this.#lastStart + this.#interval - this.#dependencies.clock.now();
    if (due <= 0 || this.#unrecordedBytes >= this.#bytes) {
      this.#timer?.cancel();
      this.#timer = undefined;
      void this.#run(false);
    } else {
      this.#timer ??= this.#dependencies.timers.after(due, this.#due);
    }
  }

  readonly #due = (): void => {
    this.#timer = undefined;
    if (this.#running === undefined && !this.#closed) void this.#run(false);
  };

  #run(final: boolean): Promise<void> {
    this.#lastStart = this.#dependencies.clock.now();
    this.#unrecordedBytes = 0;
    this.#running = this.#save(final).finally(() => {
      this.#running = undefined;
      if (this.#unrecordedBytes > 0) this.#schedule();
    });
    return this.#running;
  }

  async #save(final: boolean): Promise<void> {
    const { resume, storage, onError } = this.#dependencies;
    try {
      await resume.save(storage, this.#pieces, final);
    } catch (error) {
      onError(error as Error);
    }
  }
}
