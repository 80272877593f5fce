import type { TorrentSession } from '@pixtorrent/client';
import { cluster } from '@pixtorrent/contracts';
import { type Clock, type Logger, printable, type Timers } from '@pixtorrent/core';
import { byTorrent } from '../replication/wanted.ts';
import { sessionOf } from '../torrents/kept-torrent.ts';
import type { Torrents } from '../torrents/torrents.ts';
import type { Catalogue } from '../tracker/catalogue.ts';
import type { ClusterView } from '../tracker/cluster-view.ts';
import { type LeftTorrent, survey } from './survey.ts';

/**
 * - `safe`: everything that is here is elsewhere too
 * - `timed-out`: time was up before
 * - `alone`: nobody is there who would take the rest
 */
export type DrainOutcome = 'safe' | 'timed-out' | 'alone';

/** What would be lost if this node went now, as far as it knows. */
export interface DrainFigures {
  readonly pieces: number;
  readonly bytes: number;
  readonly torrents: number;
}

export interface DrainReport extends DrainFigures {
  /** In the last report. */
  readonly outcome?: DrainOutcome;
}

export interface DrainDependencies {
  /** The name of this node. */
  readonly self: string;
  readonly torrents: Torrents;
  readonly catalogue: Catalogue;
  readonly cluster: ClusterView;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

const { NODE_STATE_DRAINING: DRAINING } = cluster.NodeState;
/** Milliseconds between two looks at what is left; all who wait share one. */
const PERIOD = 250;
/** Milliseconds in which those who had everything some time ago are asked again. */
const EARLY = 2000;
/**
 * Milliseconds from when this node is seen to drain, by itself as by the others, until what is known of them counts: two
 * nodes that begin at once would each find the other one staying.
 */
const SETTLE = 1000;
/** The same from the beginning, where the tracker service tells nobody. */
const LONGEST_SETTLE = 5000;
/** Torrents that are named in the log. */
const MOST_NAMED = 10;

/** Sees to it, before a node leaves, that others take what only it has. */
export class Drain {
  readonly #deps: DrainDependencies;
  readonly #drained = new WeakSet<TorrentSession>();
  #startedAt: number | undefined;
  #seenAt: number | undefined;
  #left: readonly LeftTorrent[] = [];
  #surveyedAt = Number.NEGATIVE_INFINITY;

  constructor(dependencies: DrainDependencies) {
    this.#deps = dependencies;
  }

  get begun(): boolean {
    return this.#startedAt !== undefined;
  }

  /** Of the last look; zeros before the first one. */
  get figures(): DrainFigures {
    return sumOf(this.#left);
  }

  /** From now on nothing is taken, and what only this node has is offered first. */
  begin(): void {
    if (this.#startedAt !== undefined) return;
    this.#startedAt = this.#deps.clock.now();
    this.#drainSessions();
    this.#deps.torrents.on('changed', () => this.#drainSessions());
  }

  /**
   * How it gets on, once it has begun: at once, at each change, and last with the outcome.
   * @param timeout milliseconds @throws the signal's reason
   */
  async *wait(timeout: number, signal?: AbortSignal): AsyncGenerator<DrainReport, void, void> {
    const { clock, timers } = this.#deps;
    const deadline = clock.now() + timeout;
    let last: DrainFigures | undefined;
    for (;;) {
      signal?.throwIfAborted();
      const left = this.#look();
      const figures = sumOf(left);
      const late = clock.now() >= deadline;
      const outcome = left.length === 0 && !late && !this.#settled() ? undefined : outcomeOf(left, late);
      if (outcome !== undefined) {
        this.#tell(outcome, left);
        yield { ...figures, outcome };
        return;
      }
      if (figures.pieces !== last?.pieces || figures.torrents !== last.torrents) yield figures;
      last = figures;
      await pause(timers, Math.max(1, Math.min(PERIOD, deadline - clock.now())), signal);
    }
  }

  /** Whether others that begin to drain now would know of this one. */
  #settled(): boolean {
    const { cluster, self, clock } = this.#deps;
    const { nodes } = cluster;
    const others = nodes.size - (nodes.has(self) ? 1 : 0);
    if (others === 0) return true;
    const now = clock.now();
    if (nodes.get(self)?.state === DRAINING) this.#seenAt ??= now;
    return (
      (this.#seenAt !== undefined && now - this.#seenAt >= SETTLE) || now - this.#startedAt! >= LONGEST_SETTLE
    );
  }

  #look(): readonly LeftTorrent[] {
    const { torrents, cluster, catalogue, self, clock } = this.#deps;
    const now = clock.now();
    if (now - this.#surveyedAt < PERIOD / 2) return this.#left;
    this.#surveyedAt = now;
    this.#left = survey(torrents.all(), {
      self,
      nodes: cluster.nodes.values(),
      entries: byTorrent(catalogue.entries.values()),
      early: now - this.#startedAt! < EARLY,
    });
    return this.#left;
  }

  #drainSessions(): void {
    for (const torrent of this.#deps.torrents.all()) {
      const session = sessionOf(torrent);
      if (session === undefined || this.#drained.has(session)) continue;
      this.#drained.add(session);
      // What it tells of itself is not waited for: other nodes may have what it cannot see.
      session.drain();
    }
  }

  #tell(outcome: DrainOutcome, left: readonly LeftTorrent[]): void {
    const { logger } = this.#deps;
    if (outcome === 'safe') {
      logger.info('drained: everything is elsewhere too');
      return;
    }
    const { pieces, bytes, torrents } = sumOf(left);
    logger.warn(
      outcome === 'alone'
        ? 'drained in vain: nobody is there who would take what only this node has'
        : 'drained too late: not everything is elsewhere',
      { torrents, pieces, bytes, names: left.slice(0, MOST_NAMED).map(nameOf).join(', ') },
    );
  }
}

function outcomeOf(left: readonly LeftTorrent[], late: boolean): DrainOutcome | undefined {
  if (left.length === 0) return 'safe';
  if (!left.some(({ hope }) => hope)) return 'alone';
  return late ? 'timed-out' : undefined;
}

function sumOf(left: readonly LeftTorrent[]): DrainFigures {
  let pieces = 0;
  let bytes = 0;
  for (const torrent of left) {
    pieces += torrent.pieces;
    bytes += torrent.bytes;
  }
  return { pieces, bytes, torrents: left.length };
}

function nameOf({ torrent }: LeftTorrent): string {
  return printable(torrent.metainfo.name, 100);
}

/** Ends early when the signal is aborted. */
function pause(timers: Timers, delay: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = timers.after(delay, end);
    signal?.addEventListener('abort', end, { once: true });
  });
}
