import type { Metrics } from '@pixtorrent/service-kit';

/**
 * - `ended`: the client has ended it, and all its swarms before
 * - `lost`: the client is gone without a farewell
 * - `slow`: it did not read
 * - `wrong`: it sent what nobody can understand
 * - `away`: this tracker goes away
 */
export type SessionEnd = 'ended' | 'lost' | 'slow' | 'wrong' | 'away';

/** What is there when metrics are read. */
export interface SessionFigures {
  readonly sessions: number;
  /** Swarms of all sessions together. */
  readonly sessionSwarms: number;
  /** Swarms that are watched for them. */
  readonly watchedSwarms: number;
  /** Peers whose session is over, and which are kept for a while. */
  readonly departing: number;
  readonly watchers: number;
}

/** What is counted of sessions. */
export class SessionMetrics {
  readonly pushes;
  readonly dropped;
  readonly refusals;
  readonly ends;
  readonly refreshed;
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.pushes = metrics.counter({
      name: 'session_pushes_total',
      help: 'Messages that told a session of changes in a swarm',
    });
    this.dropped = metrics.counter({
      name: 'session_pushes_dropped_total',
      help: 'Messages that a session was not sent because it did not read',
    });
    this.refusals = metrics.counter({
      name: 'session_refusals_total',
      help: 'Swarms that were refused to a session, by status',
      labels: ['status'],
    });
    this.ends = metrics.counter({
      name: 'sessions_ended_total',
      help: 'Sessions that are over: ended, lost, slow, wrong or away',
      labels: ['reason'],
    });
    this.refreshed = metrics.counter({
      name: 'session_peers_refreshed_total',
      help: 'Peers that were kept in the store because their session is open',
    });
  }

  /** Has `read` asked whenever metrics are read. */
  follow(read: () => SessionFigures): void {
    const gauge = (name: string, help: string, figure: keyof SessionFigures): void => {
      this.#metrics.gauge({ name, help, collect: (own) => own.set(read()[figure]) });
    };
    gauge('sessions', 'Open sessions', 'sessions');
    gauge('session_swarms', 'Swarms of all open sessions together', 'sessionSwarms');
    gauge('session_watched_swarms', 'Swarms that are watched for sessions', 'watchedSwarms');
    gauge('session_departing_peers', 'Peers of sessions that are over, kept for a while', 'departing');
    gauge('swarm_watchers', 'Calls of WatchSwarms', 'watchers');
  }
}
