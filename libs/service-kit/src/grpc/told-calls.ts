import { type ErrorMapper, toServiceError } from './handlers.ts';
import { StatusError } from './status-error.ts';

/** A call whose client is told something. */
export interface Teller {
  /** Fulfilled when the call is over, whyever. */
  run(): Promise<void>;
  /** Ends the call with a status. */
  end(error: unknown): void;
}

/** All calls of one kind that are under way. */
export class ToldCalls<T extends Teller> {
  readonly #mapError: ErrorMapper;
  readonly #most: number;
  readonly #runs = new Map<T, Promise<void>>();
  #closed = false;

  /** @param most calls at the same time; more are refused */
  constructor(mapError: ErrorMapper, most: number) {
    this.#mapError = mapError;
    this.#most = most;
  }

  get size(): number {
    return this.#runs.size;
  }

  all(): Iterable<T> {
    return this.#runs.keys();
  }

  /**
   * Begins a call, unless there are too many or this is closed. What `begin` throws ends the call.
   * @param over is called when it is over
   */
  accept(
    call: { emit(event: 'error', error: unknown): boolean },
    begin: () => T,
    over: (teller: T) => void = () => {},
  ): void {
    try {
      if (this.#closed) throw goingAway();
      if (this.#runs.size >= this.#most)
        throw new StatusError('RESOURCE_EXHAUSTED', `${this.#most} watch here already: watch elsewhere`);
      const teller = begin();
      const run = teller.run().finally(() => {
        this.#runs.delete(teller);
        over(teller);
      });
      this.#runs.set(teller, run);
    } catch (error) {
      call.emit('error', toServiceError(error, this.#mapError));
    }
  }

  /** Ends all, who are told to call again, elsewhere. */
  async close(): Promise<void> {
    this.#closed = true;
    const runs = [...this.#runs.values()];
    for (const teller of this.#runs.keys()) teller.end(goingAway());
    await Promise.all(runs);
  }
}

function goingAway(): StatusError {
  return new StatusError('UNAVAILABLE', 'this service is about to end: watch again, elsewhere', {
    retryAfter: 0,
  });
}
