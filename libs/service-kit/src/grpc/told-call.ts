import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Timer, Timers } from '@pixtorrent/core';
import { type ErrorMapper, toServiceError } from './handlers.ts';
import { StatusError } from './status-error.ts';

export interface ToldCallDependencies<Message> {
  // Whatever was asked: the type of a request stands in methods of it too.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly call: ServerWritableStream<any, Message>;
  readonly timers: Timers;
  readonly mapError: ErrorMapper;
}

/** Milliseconds after which it is worth calling again. */
const PAUSE = 1000;

/** A call whose client is told what changes, one message after the other and as it reads, until either side ends it. */
export class ToldCall<Message> {
  readonly #deps: ToldCallDependencies<Message>;
  readonly #maxStall: number;
  #over = false;
  #slow = false;
  /** Ends what is waited for, whatever it is. */
  #release: () => void = nothing;

  /** @param maxStall milliseconds for which the client may read nothing of what is sent */
  constructor(dependencies: ToldCallDependencies<Message>, maxStall: number) {
    this.#deps = dependencies;
    this.#maxStall = maxStall;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Whether it was ended because the client did not keep up. */
  get slow(): boolean {
    return this.#slow;
  }

  /** Fulfilled when the call is over, whyever, and `tell` has returned. What that throws ends the call. */
  async run(tell: () => Promise<void>): Promise<void> {
    const { call } = this.#deps;
    call.once('cancelled', () => this.#stop());
    if (call.cancelled) this.#stop();
    try {
      await tell();
    } catch (error) {
      this.end(error);
    }
  }

  /** Ends the call with a status. */
  end(error: unknown): void {
    if (this.#over) return;
    this.#stop();
    this.#deps.call.emit('error', toServiceError(error, this.#deps.mapError));
  }

  /** Ends the call because the client does not keep up. */
  endSlow(reason = 'what is told is not read here: watch again'): void {
    this.#slow = true;
    this.end(new StatusError('ABORTED', reason, { retryAfter: PAUSE }));
  }

  /** Fulfilled when the message has gone out, which it does as the client reads; or the call is over. */
  write(message: Message): Promise<void> {
    return this.pause((done) => {
      this.#deps.call.write(message, done);
      return this.#deps.timers.after(this.#maxStall, () => this.endSlow());
    });
  }

  /** Fulfilled after so many milliseconds, or when the call is over. */
  rest(milliseconds: number): Promise<void> {
    return this.pause((done) => this.#deps.timers.after(milliseconds, done));
  }

  /** Fulfilled when `start`'s callback is called, or the call is over. The timer that it returns is cancelled then. */
  pause(start: (done: () => void) => Timer | undefined): Promise<void> {
    if (this.#over) return Promise.resolve();
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const done = (): void => {
        timer?.cancel();
        resolve();
      };
      this.#release = done;
      timer = start(done);
    });
  }

  #stop(): void {
    this.#over = true;
    this.#release();
  }
}

function nothing(): void {}
