import type { TrackerStatus } from '@pixtorrent/client';
import { printable } from '@pixtorrent/core';
import { CliError } from '../errors.ts';
import { counted } from '../output/words.ts';

/** Milliseconds without progress until it is said what is being waited for, and between two such lines. */
const WORD_PERIOD = 15_000;

/** Notices that a download stands still, says why, and when there is nobody to wait for. Times are milliseconds. */
export class Patience {
  /** Called once, when the time without any peer is up. */
  lost: (error: CliError) => void = () => {};
  readonly #limit: number;
  readonly #trackers = new Map<string, TrackerStatus>();
  #downloaded = 0;
  /** When something came last, or the last word was said. */
  #quietSince: number;
  /** When there was a peer, or progress, last. */
  #aloneSince: number;
  #over = false;

  /** @param limit seconds; 0 is for ever */
  constructor(limit: number, now: number) {
    this.#limit = limit * 1000;
    this.#quietSince = now;
    this.#aloneSince = now;
  }

  tracker(url: string, status: TrackerStatus): void {
    // What a tracker said last stands until it says something else.
    if (status.type !== 'announcing') this.#trackers.set(url, status);
  }

  /** Nothing is being waited for any more. */
  end(): void {
    this.#over = true;
  }

  /** @returns what is to be said now */
  look(figures: { readonly downloaded: number; readonly peers: number }, now: number): string | undefined {
    const { downloaded, peers } = figures;
    const progress = downloaded > this.#downloaded;
    this.#downloaded = downloaded;
    if (progress) this.#quietSince = now;
    if (progress || peers > 0) this.#aloneSince = now;
    if (this.#over) return undefined;
    if (this.#limit > 0 && now - this.#aloneSince >= this.#limit) {
      this.#over = true;
      const time = `${this.#limit / 1000} s`;
      this.lost(new CliError('no-peers', `no peer was reached for ${time}; ${this.#why()}; ${ADVICE}`));
      return undefined;
    }
    if (now - this.#quietSince < WORD_PERIOD) return undefined;
    this.#quietSince = now;
    return peers === 0
      ? `waiting for a peer: ${this.#why()}`
      : `waiting: ${counted(peers, 'peer')} connected, none gives what is missing yet`;
  }

  #why(): string {
    if (this.#trackers.size === 0) return 'no tracker has answered';
    return [...this.#trackers].map(([url, status]) => `${printable(url)} ${describe(status)}`).join(', ');
  }
}

const ADVICE = 'start a seeder, name one by --peer, or wait longer by --timeout';

function describe(status: TrackerStatus): string {
  switch (status.type) {
    case 'working':
      return `names ${counted(status.peers, 'peer')}`;
    case 'failed':
      return `failed: ${status.message}`;
    case 'announcing':
      return 'is being asked';
    case 'stopped':
      return 'was left';
  }
}
