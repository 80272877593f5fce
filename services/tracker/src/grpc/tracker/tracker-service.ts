import { tracker as wire } from '@pixtorrent/contracts';
import type { Clock, InfoHash, Logger, Timers } from '@pixtorrent/core';
import { type GrpcService, loggingFaults, unary } from '@pixtorrent/service-kit';
import type { Asking, PeerStore, TrackerLogic } from '@pixtorrent/tracker';
import { Callers } from './callers.ts';
import type { SessionCall } from './session/session.ts';
import type { SessionFigures, SessionMetrics } from './session/session-metrics.ts';
import { Sessions } from './session/sessions.ts';
import { SwarmWatching } from './swarm-watching.ts';
import { announce, listSwarms, scrape } from './tracker-calls.ts';
import { statusOf } from './tracker-status.ts';

export interface TrackerServiceDependencies {
  readonly logic: TrackerLogic;
  /** The one behind `logic`; not closed with the service. */
  readonly store: PeerStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly metrics: SessionMetrics;
}

export interface TrackerServiceOptions {
  /** Milliseconds between the announces that peers are asked for. */
  readonly interval: number;
  /** Whether the store outlives this process, and others go on with it. */
  readonly storeOutlives: boolean;
  /** Networks, as `ADDRESS/BITS`, whose callers may name a peer's address. */
  readonly trusted: readonly string[];
  /**
   * Sessions at the same time; more are refused.
   * @default 20,000
   */
  readonly maxSessions?: number;
  /**
   * Swarms of one session; more are refused.
   * @default 10,000
   */
  readonly maxSwarms?: number;
  /**
   * Swarms of all sessions together; more are refused.
   * @default 1,000,000
   */
  readonly maxSessionSwarms?: number;
  /**
   * Bytes that wait to be read by a session's client, beyond which it is told nothing unasked.
   * @default 262,144
   */
  readonly maxUnread?: number;
  /**
   * Milliseconds for which a client may leave so much, or a watcher anything, unread.
   * @default 30,000
   */
  readonly maxStall?: number;
  /**
   * Milliseconds for which peers are kept whose session ends without a farewell.
   * @default 5,000
   */
  readonly grace?: number;
  /**
   * Calls of WatchSwarms at the same time; more are refused.
   * @default 100
   */
  readonly maxWatchers?: number;
  /**
   * Swarms that a call of WatchSwarms for all of them tells of.
   * @default 10,000
   */
  readonly maxWatched?: number;
}

export interface TrackerService extends GrpcService {
  /** As they are when it is read. */
  readonly figures: SessionFigures;
  /** Has sessions give up a torrent where `check` throws for what they have announced: it may be served no more. */
  recheck(infoHash: InfoHash, check: (asking: Asking) => void): void;
  /**
   * Sends away those who are here for long.
   * @param graceMs milliseconds for all of it
   */
  close(graceMs: number): Promise<void>;
}

/** Messages of a session are encoded before they are written, some of them once for many. */
const definition = {
  ...wire.TrackerServiceService,
  session: { ...wire.TrackerServiceService.session, responseSerialize: (message: Buffer) => message },
};

/** pixtorrent.tracker.v1.TrackerService over a tracker's logic and its store. */
export function trackerService(
  dependencies: TrackerServiceDependencies,
  options: TrackerServiceOptions,
): TrackerService {
  const { logic, store, logger } = dependencies;
  const mapError = loggingFaults(logger, statusOf);
  const callers = new Callers(options.trusted);
  const maxStall = options.maxStall ?? 30_000;
  const sessions = new Sessions(
    { ...dependencies, callers, mapError },
    {
      interval: options.interval,
      storeOutlives: options.storeOutlives,
      maxSessions: options.maxSessions ?? 20_000,
      maxSwarms: options.maxSwarms ?? 10_000,
      maxSessionSwarms: options.maxSessionSwarms ?? 1_000_000,
      maxUnread: options.maxUnread ?? 256 * 1024,
      maxStall,
      grace: options.grace ?? 5000,
    },
  );
  const watching = new SwarmWatching(
    { ...dependencies, mapError },
    { maxWatchers: options.maxWatchers ?? 100, maxSwarms: options.maxWatched ?? 10_000, maxStall },
  );
  const implementation = {
    announce: unary<wire.AnnounceRequest, wire.AnnounceResponse>(
      (request, call) => announce(logic, request, callers.of(call)),
      mapError,
    ),
    scrape: unary<wire.ScrapeRequest, wire.ScrapeResponse>(
      (request, call) => scrape(logic, request, callers.of(call)),
      mapError,
    ),
    session: (call: SessionCall) => sessions.accept(call),
    listSwarms: unary<wire.ListSwarmsRequest, wire.ListSwarmsResponse>(
      (request) => listSwarms(store, request),
      mapError,
    ),
    watchSwarms: watching.accept.bind(watching),
  };
  const service: TrackerService = {
    definition,
    implementation,
    get figures() {
      return { ...sessions.figures, watchers: watching.watchers };
    },
    recheck(infoHash, check) {
      sessions.recheck(infoHash, ({ asking }) => check(asking));
    },
    async close(graceMs) {
      await Promise.all([sessions.close(graceMs), watching.close()]);
    },
  };
  dependencies.metrics.follow(() => service.figures);
  return service;
}
