import {
  type Clock,
  type InfoHash,
  type Logger,
  printable,
  type Timer,
  type Timers,
  toHex,
} from '@pixtorrent/core';
import { type ErrorMapper, StatusError, toServiceError } from '@pixtorrent/service-kit';
import type { PeerStore, TrackerLogic } from '@pixtorrent/tracker';
import type { Announced } from '../announce-messages.ts';
import type { Callers } from '../callers.ts';
import { Departures } from './departures.ts';
import { Session, type SessionCall, type SessionOptions, type SessionOwner } from './session.ts';
import type { SessionMetrics } from './session-metrics.ts';
import type { SessionSwarm } from './session-swarm.ts';
import { inSteps } from './stored.ts';
import { SwarmNews } from './swarm-news.ts';

export interface SessionsDependencies {
  readonly logic: TrackerLogic;
  readonly store: Pick<PeerStore, 'watch' | 'restore'>;
  readonly callers: Callers;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly metrics: SessionMetrics;
  readonly mapError: ErrorMapper;
}

export interface SessionsOptions extends SessionOptions {
  readonly maxSessions: number;
  /** Milliseconds between the announces that peers are asked for. */
  readonly interval: number;
  /** Milliseconds for which the peers of a session that is over are kept. */
  readonly grace: number;
  /** Whether others go on with the store when this process ends. */
  readonly storeOutlives: boolean;
}

/** After this share of the interval a peer that has said nothing is kept by its session. */
const OVERDUE = 1.25;
const LOOKS_AN_INTERVAL = 4;
/** Milliseconds over which those who are sent away come back, at a session a millisecond: clients add their own. */
const LONGEST_SPREAD = 2000;
/** Milliseconds that the stores' end has to be left of a shutdown. */
const RESERVE = 500;

/** All streams of this process. */
export class Sessions implements SessionOwner {
  readonly #deps: SessionsDependencies & { readonly news: SwarmNews };
  readonly #options: SessionsOptions;
  readonly #departures: Departures;
  readonly #sessions = new Map<Session, Promise<void>>();
  #keeping: Timer;
  #closed = false;

  constructor(dependencies: SessionsDependencies, options: SessionsOptions) {
    this.#deps = { ...dependencies, news: new SwarmNews(dependencies) };
    this.#options = options;
    this.#departures = new Departures(dependencies, options.grace);
    this.#keeping = this.#keepLater();
  }

  get figures() {
    const { followed, swarms } = this.#deps.news;
    return {
      sessions: this.#sessions.size,
      sessionSwarms: followed,
      watchedSwarms: swarms,
      departing: this.#departures.waiting,
    };
  }

  accept(call: SessionCall): void {
    const { callers, metrics, mapError } = this.#deps;
    try {
      if (this.#closed)
        throw new StatusError('UNAVAILABLE', 'this tracker is about to end: go elsewhere', { retryAfter: 0 });
      const { maxSessions } = this.#options;
      if (this.#sessions.size >= maxSessions)
        throw new StatusError('RESOURCE_EXHAUSTED', `${maxSessions} streams are open here already`);
      const session = new Session({ ...this.#deps, call, caller: callers.of(call) }, this.#options, this);
      const run = session.run().then((reason) => {
        this.#sessions.delete(session);
        metrics.ends.inc({ reason });
      });
      this.#sessions.set(session, run);
    } catch (error) {
      call.emit('error', toServiceError(error, mapError));
    }
  }

  /** Refuses a swarm to those who have it and for whom `check` throws. */
  recheck(infoHash: InfoHash, check: (announced: Announced) => void): void {
    const key = toHex(infoHash);
    for (const session of this.#sessions.keys()) session.recheck(key, check);
  }

  departed(swarms: readonly SessionSwarm[]): void {
    this.#departures.add(swarms);
  }

  lost(swarm: SessionSwarm): void {
    void this.#keep([swarm]);
  }

  /**
   * Sends everybody away. Where the store outlives this process, those are waited for who come back elsewhere, and the
   * others are let go.
   * @param graceMs milliseconds for all of it
   */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    this.#keeping.cancel();
    const runs = [...this.#sessions.values()];
    const spread = Math.min(LONGEST_SPREAD, runs.length) / runs.length;
    let n = 0;
    for (const session of this.#sessions.keys()) session.goAway(Math.floor(n++ * spread));
    const time = Math.max(0, graceMs - RESERVE);
    await this.#within(time, Promise.all(runs));
    const { grace, storeOutlives } = this.#options;
    await this.#departures.close(storeOutlives ? Math.min(grace, time) : 0);
  }

  /** A peer is there as long as its stream is, whatever it says. */
  #keepLater(): Timer {
    const { interval } = this.#options;
    return this.#deps.timers.after(interval / LOOKS_AN_INTERVAL, () => {
      void this.#keep(this.#overdue(this.#deps.clock.now() - interval * OVERDUE)).finally(() => {
        if (!this.#closed) this.#keeping = this.#keepLater();
      });
    });
  }

  *#overdue(before: number): Generator<SessionSwarm> {
    for (const { swarms } of this.#sessions.keys())
      for (const swarm of swarms.values()) if (swarm.heard !== undefined && swarm.heard < before) yield swarm;
  }

  async #keep(swarms: Iterable<SessionSwarm>): Promise<void> {
    const { store, metrics, logger } = this.#deps;
    const kept: SessionSwarm[] = [];
    const keep = (swarm: SessionSwarm) => {
      kept.push(swarm);
      return swarm.present();
    };
    try {
      for (const peers of inSteps(swarms, keep)) {
        const heard = await store.restore(peers);
        for (const [i, swarm] of kept.splice(0).entries()) swarm.wasHeard(heard[i]);
        metrics.refreshed.inc(peers.length);
      }
    } catch (error) {
      // They are tried again, and their time is long.
      logger.warn('peers of sessions could not be kept', { reason: printable(String(error)) });
    }
  }

  #within(most: number, work: Promise<unknown>): Promise<unknown> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#deps.timers.after(most, resolve);
    return Promise.race([work, late]).finally(() => timer.cancel());
  }
}
