import type { ChannelCredentials } from '@grpc/grpc-js';
import { tracker as wire } from '@pixtorrent/contracts';
import { type Timer, toHex } from '@pixtorrent/core';
import {
  type HostAndPort,
  KeptStream,
  type KeptStreamDependencies,
  type StreamProgress,
} from '@pixtorrent/service-kit';
import type { SwarmHealth } from '@pixtorrent/swarm-health';

export interface TrackerWatchDependencies extends KeptStreamDependencies {
  readonly health: Pick<SwarmHealth, 'track' | 'trackedAll' | 'tracked'>;
  readonly credentials: ChannelCredentials;
}

export interface TrackerWatchOptions {
  /** gRPC ports of the tracker service, at least one: one at a time is asked. */
  readonly addresses: readonly HostAndPort[];
  /** Milliseconds for which the last that was told stands while the tracker is away. @default 15,000 */
  readonly doubt?: number;
}

/** Milliseconds between two messages. */
const INTERVAL = 2000;
/** Milliseconds within which a tracker says something, if only that there is nothing. */
const FIRST_WORD = 10_000;
/** Milliseconds. */
const DOUBT = 15_000;
const OPTIONS = {
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 5000,
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
};

/** Follows what the tracker says of all its swarms. */
export class TrackerWatch {
  readonly #deps: TrackerWatchDependencies;
  readonly #options: Required<TrackerWatchOptions>;
  readonly #kept: KeptStream;
  #at = 0;
  #client: wire.TrackerServiceClient;
  /** Swarms that the stream which is open told of. */
  #told = new Set<string>();
  /** Until what earlier streams told of is no longer taken for what is. */
  #doubt: Timer | undefined;

  constructor(dependencies: TrackerWatchDependencies, options: TrackerWatchOptions) {
    this.#deps = dependencies;
    this.#options = { doubt: DOUBT, ...options };
    this.#client = this.#connect();
    this.#kept = new KeptStream('tracker', (progress) => this.#open(progress), dependencies);
  }

  /** Whether the tracker tells what it knows. */
  get working(): boolean {
    return this.#kept.working;
  }

  close(): void {
    this.#doubt?.cancel();
    this.#kept.close();
    this.#client.close();
  }

  #open(progress: StreamProgress) {
    const { timers } = this.#deps;
    const client = this.#client;
    const told = new Set<string>();
    this.#told = told;
    const stream = client.watchSwarms({ infoHashes: [], intervalMs: INTERVAL });
    const patience = timers.after(FIRST_WORD, () => stream.cancel());
    stream.on('data', (message: wire.WatchSwarmsResponse) => {
      patience.cancel();
      this.#take(message, told);
      progress.works();
    });
    const over = (reason: string): void => {
      patience.cancel();
      this.#doubtAll();
      this.#next(client);
      progress.ended(reason);
    };
    stream.on('error', (error) => over(error.message));
    stream.on('end', () => over('the tracker ended it'));
    return {
      close: () => {
        patience.cancel();
        stream.cancel();
      },
    };
  }

  #take({ swarms, gone, totals }: wire.WatchSwarmsResponse, told: Set<string>): void {
    const { health } = this.#deps;
    for (const { infoHash, seeders, leechers, completed } of swarms) {
      const key = toHex(infoHash);
      told.add(key);
      health.track(key, { seeders, leechers, completed });
    }
    for (const infoHash of gone) {
      told.delete(toHex(infoHash));
      health.track(toHex(infoHash), undefined);
    }
    // What it does not tell of it may know all the same where it has more than it tells of.
    health.trackedAll(told.size >= (totals?.swarms ?? 0));
  }

  /** What was told stands for a while: a tracker that starts again comes to know its swarms again first. */
  #doubtAll(): void {
    this.#doubt ??= this.#deps.timers.after(this.#options.doubt, () => {
      const { health } = this.#deps;
      this.#doubt = undefined;
      for (const key of [...health.tracked]) if (!this.#told.has(key)) health.track(key, undefined);
      if (!this.working) health.trackedAll(false);
    });
  }

  /** Another address is asked from now on. */
  #next(failed: wire.TrackerServiceClient): void {
    if (failed !== this.#client || this.#options.addresses.length === 1) return;
    failed.close();
    this.#at = (this.#at + 1) % this.#options.addresses.length;
    this.#client = this.#connect();
  }

  #connect(): wire.TrackerServiceClient {
    const { host, port } = this.#options.addresses[this.#at]!;
    const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    return new wire.TrackerServiceClient(target, this.#deps.credentials, OPTIONS);
  }
}
