import type { Clock } from '@pixtorrent/core';

/** Time without a byte after which a download counts as stalled, milliseconds. */
const STALLED_AFTER = 30_000;

/** Notices when the peers that a download has give it nothing for a while, however many they are. */
export class StallWatch {
  readonly #clock: Clock;
  #bytes = 0;
  /** When there were more of them last, or the first look. */
  #movedAt: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param bytes received so far
   * @param complete nothing more is wanted
   * @returns whether the download is stalled
   */
  look(bytes: number, complete: boolean): boolean {
    const now = this.#clock.now();
    if (this.#movedAt === undefined || complete || bytes > this.#bytes) this.#movedAt = now;
    this.#bytes = bytes;
    return now - this.#movedAt >= STALLED_AFTER;
  }
}
