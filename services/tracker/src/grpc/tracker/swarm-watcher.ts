import type { ServerWritableStream } from '@grpc/grpc-js';
import type { tracker as wire } from '@pixtorrent/contracts';
import { type InfoHash, type Timers, toHex } from '@pixtorrent/core';
import { type ErrorMapper, ToldCall } from '@pixtorrent/service-kit';
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

/** One call of WatchSwarms: looks at the interval, and tells what is other than it was told. */
export class SwarmWatcher {
  readonly #deps: SwarmWatcherDependencies;
  readonly #options: SwarmWatcherOptions;
  readonly #call: ToldCall<wire.WatchSwarmsResponse>;
  /** What was told last of each swarm. */
  #told = new Map<string, SwarmFigures>();
  #totals: SwarmTotals | undefined;

  constructor(dependencies: SwarmWatcherDependencies, options: SwarmWatcherOptions) {
    this.#deps = dependencies;
    this.#options = options;
    this.#call = new ToldCall(dependencies, options.maxStall);
  }

  run(): Promise<void> {
    return this.#call.run(async () => {
      while (!this.#call.over) {
        await this.#look();
        await this.#call.rest(this.#options.interval);
      }
    });
  }

  end(error: unknown): void {
    this.#call.end(error);
  }

  async #look(): Promise<void> {
    const totals = await this.#deps.store.totals();
    const known = new Map<string, SwarmFigures>();
    let changed: SwarmFigures[] = [];
    let first = this.#totals === undefined || !sameTotals(this.#totals, totals);
    const tell = async (swarms: readonly SwarmFigures[], gone: readonly string[]): Promise<void> => {
      first = false;
      await this.#call.write({
        swarms: swarms.map(statisticsMessage),
        gone: gone.map((key) => Buffer.from(key, 'hex')),
        totals: totalsMessage(totals),
      });
    };
    for await (const figures of this.#figures()) {
      if (this.#call.over) return;
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
    for (let left = maxSwarms; left > 0 && !this.#call.over; ) {
      const step = await store.swarms(after, Math.min(STEP, left));
      yield* step;
      if (step.length < STEP) return;
      left -= step.length;
      after = step.at(-1)!.infoHash;
    }
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
