import type { ServerWritableStream } from '@grpc/grpc-js';
import type { tracker as wire } from '@pixtorrent/contracts';
import { type InfoHash, type Timer, type Timers, toHex } from '@pixtorrent/core';
import { type ErrorMapper, StatusError, toServiceError } from '@pixtorrent/service-kit';
import type { PeerStore, SwarmFigures, SwarmTotals } from '@pixtorrent/tracker';
import { statisticsMessage, totalsMessage } from './swarm-messages.ts';

export type WatchCall = ServerWritableStream<wire.WatchSwarmsRequest, wire.WatchSwarmsResponse>;

export interface SwarmWatcherDependencies {
  readonly call: WatchCall;
  readonly store: Pick<PeerStore, 'figures' | 'swarms' | 'totals'>;
  readonly timers: Timers;
  readonly mapError: ErrorMapper;
}

export interface SwarmWatcherOptions {
  /** Empty for all. */
  readonly hashes: readonly InfoHash[];
  /** Milliseconds between two looks. */
  readonly interval: number;
  /** Swarms that are watched where all are. */
  readonly maxSwarms: number;
  /** Milliseconds for which the client may read nothing of what is sent. */
  readonly maxStall: number;
}

/** Swarms that the store is asked for at a time, and that a message has. */
const STEP = 1000;
/** Milliseconds after which it is worth watching again. */
const PAUSE = 1000;

/** One call of WatchSwarms: looks at the interval, and tells what is other than it was told. */
export class SwarmWatcher {
  readonly #deps: SwarmWatcherDependencies;
  readonly #options: SwarmWatcherOptions;
  /** What was told last of each swarm. */
  #told = new Map<string, SwarmFigures>();
  #totals: SwarmTotals | undefined;
  #over = false;
  /** Ends what is waited for, whatever it is. */
  #release: () => void = nothing;

  constructor(dependencies: SwarmWatcherDependencies, options: SwarmWatcherOptions) {
    this.#deps = dependencies;
    this.#options = options;
  }

  /** Fulfilled when the call is over, whyever. */
  async run(): Promise<void> {
    const { call, timers } = this.#deps;
    call.once('cancelled', () => this.#stop());
    if (call.cancelled) this.#stop();
    try {
      while (!this.#over) {
        await this.#look();
        await this.#pause((done) => timers.after(this.#options.interval, done));
      }
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

  #stop(): void {
    this.#over = true;
    this.#told.clear();
    this.#release();
  }

  async #look(): Promise<void> {
    const totals = await this.#deps.store.totals();
    const known = new Map<string, SwarmFigures>();
    let changed: SwarmFigures[] = [];
    let first = this.#totals === undefined || !sameTotals(this.#totals, totals);
    const tell = async (swarms: readonly SwarmFigures[], gone: readonly string[]): Promise<void> => {
      first = false;
      await this.#write({
        swarms: swarms.map(statisticsMessage),
        gone: gone.map((key) => Buffer.from(key, 'hex')),
        totals: totalsMessage(totals),
      });
    };
    for await (const figures of this.#figures()) {
      if (this.#over) return;
      const key = toHex(figures.infoHash);
      known.set(key, figures);
      if (same(this.#told.get(key), figures)) continue;
      changed.push(figures);
      if (changed.length < STEP) continue;
      await tell(changed, []);
      changed = [];
    }
    const gone = [...this.#told.keys()].filter((key) => !known.has(key));
    this.#told = known;
    this.#totals = totals;
    if (first || changed.length > 0 || gone.length > 0) await tell(changed, gone);
  }

  async *#figures(): AsyncGenerator<SwarmFigures> {
    const { store } = this.#deps;
    const { hashes, maxSwarms } = this.#options;
    if (hashes.length > 0) {
      for (const figures of await store.figures(hashes)) if (figures !== undefined) yield figures;
      return;
    }
    let after: InfoHash | undefined;
    for (let left = maxSwarms; left > 0 && !this.#over; ) {
      const step = await store.swarms(after, Math.min(STEP, left));
      yield* step;
      if (step.length < STEP) return;
      left -= step.length;
      after = step.at(-1)!.infoHash;
    }
  }

  /** Fulfilled when the message has gone out, which it does as the client reads; or the call is over. */
  #write(message: wire.WatchSwarmsResponse): Promise<void> {
    const { call, timers } = this.#deps;
    return this.#pause((done) => {
      call.write(message, done);
      return timers.after(this.#options.maxStall, () => {
        const reason = 'what is told is not read here: watch again';
        this.end(new StatusError('ABORTED', reason, { retryAfter: PAUSE }));
      });
    });
  }

  /** Fulfilled when `start`'s callback is called, or the call is over. The timer that it returns is cancelled then. */
  #pause(start: (done: () => void) => Timer): Promise<void> {
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
}

/** Of a swarm whose counts and times are as they were, all is. */
function same(a: SwarmFigures | undefined, b: SwarmFigures): boolean {
  return (
    a !== undefined &&
    a.seeders === b.seeders &&
    a.leechers === b.leechers &&
    a.completed === b.completed &&
    a.lastSeen === b.lastSeen &&
    a.announceRate === b.announceRate
  );
}

function sameTotals(a: SwarmTotals, b: SwarmTotals): boolean {
  return (
    a.swarms === b.swarms &&
    a.seeders === b.seeders &&
    a.leechers === b.leechers &&
    a.completed === b.completed
  );
}

function nothing(): void {}
