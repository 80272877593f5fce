import type { Clock, Timers } from '@pixtorrent/core';
import type { Torrent } from '@pixtorrent/engine';
import { ClientError } from '../../errors.ts';

/** What of the engine makes pieces come. */
export type PieceSource = Pick<
  Torrent,
  'have' | 'pieces' | 'want' | 'unwant' | 'setDeadline' | 'clearDeadline'
>;

export interface PieceWait {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds. */
  readonly patience: number;
}

interface Demand {
  readers: number;
  /** When the most urgent of them wants it, on the clock's scale. */
  at: number;
  readonly waiters: Set<{ resolve(): void; reject(error: Error): void }>;
}

/** Which pieces somebody reads or is about to read: what several want is fetched once, what nobody wants any more not. */
export class PieceDemand {
  readonly #source: PieceSource;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #selective: boolean;
  readonly #demands = new Map<number, Demand>();
  #failure: ClientError | undefined;

  /** @param selective what nobody reads is not to be got */
  constructor(source: PieceSource, time: { clock: Clock; timers: Timers }, selective: boolean) {
    this.#source = source;
    this.#clock = time.clock;
    this.#timers = time.timers;
    this.#selective = selective;
  }

  /**
   * One more reader of the piece; `release` is to follow.
   * @param within milliseconds from now
   * @throws ClientError `unavailable`, `failed`, `closed`: then no `release` is to follow
   */
  add(piece: number, within: number): void {
    if (this.#failure) throw this.#failure;
    const at = this.#clock.now() + within;
    let demand = this.#demands.get(piece);
    if (!demand) {
      demand = { readers: 0, at: Number.POSITIVE_INFINITY, waiters: new Set() };
      this.#demands.set(piece, demand);
    }
    demand.readers++;
    if (at < demand.at) {
      demand.at = at;
      this.#fetch(piece, at);
    }
    if (this.#source.have.has(piece) || this.#source.pieces.lacks(piece)) return;
    this.release(piece);
    throw new ClientError('unavailable', `piece ${piece} is not here, and is not to be got`);
  }

  /** One reader less. */
  release(piece: number): void {
    const demand = this.#demands.get(piece);
    if (!demand || --demand.readers > 0) return;
    this.#demands.delete(piece);
    this.#source.clearDeadline(piece);
    if (this.#selective) this.#source.unwant(piece);
  }

  /**
   * Waits until a piece that was added is here.
   * @throws ClientError `stalled`, `failed`, `closed`; the signal's reason
   */
  arrival(piece: number, { signal, patience }: PieceWait): Promise<void> {
    const demand = this.#demands.get(piece);
    if (this.#failure || !demand) return Promise.reject(this.#failure ?? new Error(`${piece} was not added`));
    if (this.#source.have.has(piece)) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { resolve, reject };
    demand.waiters.add(waiter);
    const aborted = (): void => reject(signal?.reason);
    signal?.addEventListener('abort', aborted, { once: true });
    const timer = this.#timers.after(patience, () => {
      reject(new ClientError('stalled', `piece ${piece} did not come within ${patience} ms`));
    });
    return promise.finally(() => {
      demand.waiters.delete(waiter);
      signal?.removeEventListener('abort', aborted);
      timer.cancel();
    });
  }

  /** The piece is here. */
  verified(piece: number): void {
    for (const waiter of this.#demands.get(piece)?.waiters ?? []) waiter.resolve();
  }

  /** The disk has lost the piece. */
  lost(piece: number): void {
    const demand = this.#demands.get(piece);
    if (demand) this.#fetch(piece, demand.at);
  }

  /** Nothing will come any more. */
  fail(error: ClientError): void {
    this.#failure ??= error;
    for (const { waiters } of this.#demands.values()) for (const waiter of waiters) waiter.reject(error);
  }

  #fetch(piece: number, at: number): void {
    if (this.#source.have.has(piece)) return;
    if (this.#selective) this.#source.want(piece);
    this.#source.setDeadline(piece, at);
  }
}
