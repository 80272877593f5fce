import type { Random } from '@pixtorrent/core';
import type { SessionHandle } from './announce.ts';
import { retryDelay } from './retry-delay.ts';

/** After a session of this length, what was before is forgotten, milliseconds. */
const STEADY = 60_000;

/**
 * The sessions of one tracker, one after the other. After a failure the tracker rests, for longer each time,
 * and so it does where sessions end soon after each other: one that accepts and hangs up is not asked all the time. Times are milliseconds.
 */
export class SessionLife {
  readonly #random: Random;
  #session: { readonly handle: SessionHandle; readonly since: number } | undefined;
  #losses = 0;
  #restsUntil = Number.NEGATIVE_INFINITY;

  constructor(random: Random) {
    this.#random = random;
  }

  get alive(): boolean {
    return this.#session?.handle.alive ?? false;
  }

  /** It has ended, and nobody has taken note of it yet. */
  get broken(): boolean {
    return this.#session !== undefined && !this.#session.handle.alive;
  }

  /** When the tracker may be asked again. */
  get restsUntil(): number {
    return this.#restsUntil;
  }

  /** none -> open, or still open */
  opened(handle: SessionHandle, now: number): void {
    if (this.#session?.handle !== handle) this.#session = { handle, since: now };
  }

  /** open -> none. The tracker may be asked at once, but not time after time. */
  ended(now: number): void {
    if (now - (this.#session?.since ?? now) >= STEADY) this.#losses = 0;
    this.#session = undefined;
    if (this.#losses++ > 0) this.#restsUntil = now + retryDelay(this.#losses - 2, this.#random);
  }

  /** any -> none: the tracker did not answer. */
  failed(now: number): void {
    this.#session = undefined;
    this.#restsUntil = now + retryDelay(this.#losses++, this.#random);
  }

  /** The rest is over: everybody else has failed too, and all wait together. */
  wake(): void {
    this.#restsUntil = Number.NEGATIVE_INFINITY;
  }
}
