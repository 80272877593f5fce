import { randomInt } from 'node:crypto';
import { type Logger, SeededRandom, silentLogger } from '@pixtorrent/core';
import { HttpFrontend, type HttpFrontendOptions } from './frontends/http/server.ts';
import { machineTime } from './frontends/machine-time.ts';
import { MemoryPeerStore, type MemoryPeerStoreOptions } from './stores/memory-peer-store.ts';
import { Tracker, type TrackerOptions, timeToLive } from './tracker.ts';

export interface HttpTrackerOptions
  extends HttpFrontendOptions,
    TrackerOptions,
    Omit<MemoryPeerStoreOptions, 'timeToLive'> {
  readonly logger?: Logger;
}

export interface RunningTracker {
  readonly port: number;
  /** The announce URL; where it listens on every address, the one for this machine. */
  readonly url: string;
  /** Fulfilled when the last connection is closed. */
  close(): Promise<void>;
}

/**
 * A whole tracker: rules, a store in memory, and HTTP.
 * @throws the system's error where it cannot listen, `EADDRINUSE` for one
 */
export async function startHttpTracker(options: HttpTrackerOptions): Promise<RunningTracker> {
  const store = new MemoryPeerStore(
    { ...machineTime, random: new SeededRandom(randomInt(2 ** 47)) },
    { ...options, timeToLive: timeToLive(options.interval) },
  );
  const frontend = await HttpFrontend.listen(
    new Tracker(store, options),
    options.logger ?? silentLogger,
    options,
  );
  const { port } = frontend;
  return {
    port,
    url: `http://${urlHost(options.host)}:${port}/announce`,
    close: () => frontend.close().then(() => store.close()),
  };
}

function urlHost(host: string | undefined): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
