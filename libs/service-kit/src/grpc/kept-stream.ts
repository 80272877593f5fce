import { type Logger, printable, type Random, type Timer, type Timers } from '@pixtorrent/core';

/** A stream that is open, or about to be. */
export interface OpenedStream {
  /** Ends it; `ended` is not called. */
  close(): void;
}

/** How one stream goes, as whoever opened it tells. */
export interface StreamProgress {
  /** It works: the next failure is the first again. */
  works(): void;
  /** It is over. `waitMs`: the other side asked not to be called earlier. */
  ended(reason: string, waitMs?: number): void;
}

export interface KeptStreamDependencies {
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
}

/** Milliseconds before the first attempt to open it again; doubles with each that fails. */
const SHORTEST_PAUSE = 100;
const LONGEST_PAUSE = 5000;
/** Milliseconds. */
const LONGEST_ASKED = 60_000;

/** Opens a stream, and opens it again whenever it has ended, ever more rarely while it does not work. */
export class KeptStream {
  readonly #name: string;
  readonly #open: (progress: StreamProgress) => OpenedStream;
  readonly #deps: KeptStreamDependencies;
  #current: OpenedStream | undefined;
  #timer: Timer | undefined;
  #failures = 0;
  #working = false;
  #closed = false;

  constructor(
    name: string,
    open: (progress: StreamProgress) => OpenedStream,
    dependencies: KeptStreamDependencies,
  ) {
    this.#name = name;
    this.#open = open;
    this.#deps = dependencies;
    this.#start();
  }

  /** Whether the stream that is open has shown that it works. */
  get working(): boolean {
    return this.#working;
  }

  close(): void {
    this.#closed = true;
    this.#working = false;
    this.#timer?.cancel();
    this.#current?.close();
  }

  #start(): void {
    let over = false;
    const works = (): void => {
      if (over || this.#working) return;
      if (this.#failures > 0) this.#deps.logger.info('works again', { stream: this.#name });
      this.#working = true;
      this.#failures = 0;
    };
    const ended = (reason: string, waitMs = 0): void => {
      if (over || this.#closed) return;
      over = true;
      this.#working = false;
      this.#again(reason, Math.min(waitMs, LONGEST_ASKED));
    };
    this.#current = this.#open({ works, ended });
  }

  #again(reason: string, waitMs: number): void {
    const pause = Math.min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** Math.min(this.#failures, 10));
    if (this.#failures++ === 0)
      this.#deps.logger.warn('a stream has ended', { stream: this.#name, reason: printable(reason) });
    // Nodes that lost the same tracker do not all come back to it in the same moment.
    const spread = pause / 2 + this.#deps.random.below(Math.ceil(pause / 2));
    this.#timer = this.#deps.timers.after(waitMs + spread, () => this.#start());
  }
}
