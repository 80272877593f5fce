import {
  type Clock,
  type InfoHash,
  type Logger,
  printable,
  type Random,
  type Timer,
  type Timers,
} from '@pixtorrent/core';
import type { ScrapeEntry } from '@pixtorrent/tracker-protocol';
import { PeerStoreError } from '../../errors.ts';
import type { MemoryPeerStore } from '../memory-peer-store.ts';
import type {
  Heard,
  MemberChange,
  PeerAnnounce,
  PeerSelection,
  PeerStore,
  SharedPeerStore,
  StoredPeer,
  SwarmFigures,
  SwarmTotals,
} from '../peer-store.ts';
import { Deadlines } from './deadlines.ts';
import { Departures } from './departures.ts';
import { ToldMembers } from './told-members.ts';

export interface ResilientPeerStoreDependencies {
  /** Shared with the other replicas; may be away for a while. Closed with this store. */
  readonly shared: SharedPeerStore;
  /** Keeps what comes by this replica. Closed with this store. */
  readonly own: MemoryPeerStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
}

export interface ResilientPeerStoreOptions {
  /**
   * Milliseconds that the shared store has for an answer.
   * @default 200
   */
  readonly deadline?: number;
  /**
   * Milliseconds between two looks whether the shared store is there, and whether it has been emptied.
   * @default 500
   */
  readonly probeInterval?: number;
  /**
   * Peers remembered as having left.
   * @default 100,000
   */
  readonly maxDepartures?: number;
}

/** How the shared store is, for health and metrics. */
export type SharedStoreState =
  | { readonly type: 'connected' }
  /** Back, and being told what this replica has learned meanwhile; it answers already. */
  | { readonly type: 'restoring' }
  /** This replica answers from its own memory. `since`: the clock's milliseconds. */
  | { readonly type: 'away'; readonly since: number; readonly reason: string };

export interface ResilienceFigures {
  /** Announces answered from the replica's own memory. */
  readonly answeredAlone: number;
  readonly outages: number;
  /** Peers written back. */
  readonly restored: number;
  /** Peers remembered as having left. */
  readonly departures: number;
}

/** Members who are known to have been told of, in all swarms that are watched. */
const MAX_TOLD = 100_000;
/** Peers of one write-back step. */
const BATCH = 250;
/**
 * Milliseconds by which one guess of the shared store's time may be off another. Who came while it was away, and is told to have
 * left, must not have left before it was told to have come.
 */
const GUESS = 100;
/** Milliseconds: what was under way when the shared store went may be lost too. */
const MARGIN = 2000;

/**
 * A shared store that may go away: whatever comes by this replica is kept in its own memory too, which answers while the
 * shared store is gone or slow. When that is back, it is told who is here and who has left meanwhile; when it has been
 * emptied, everything that this replica knows.
 *
 * Two replicas know only their own peers during an outage. Downloads that completed then are not counted afterwards.
 */
export class ResilientPeerStore implements PeerStore {
  readonly #shared: SharedPeerStore;
  readonly #own: MemoryPeerStore;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #probeInterval: number;
  readonly #deadlines: Deadlines;
  readonly #departures: Departures;
  readonly #told = new ToldMembers(MAX_TOLD);
  #state: SharedStoreState;
  /** The life of the shared store's contents that has been told everything. */
  #epoch: string | undefined;
  /** Since when the shared store may not have heard everything. */
  #behindSince: number | undefined;
  #probe: Timer | undefined;
  #looking = false;
  #closed = false;
  #answeredAlone = 0;
  #outages = 0;
  #restored = 0;

  constructor(dependencies: ResilientPeerStoreDependencies, options: ResilientPeerStoreOptions = {}) {
    this.#shared = dependencies.shared;
    this.#own = dependencies.own;
    this.#clock = dependencies.clock;
    this.#timers = dependencies.timers;
    this.#random = dependencies.random;
    this.#logger = dependencies.logger;
    this.#probeInterval = options.probeInterval ?? 500;
    this.#deadlines = new Deadlines(dependencies, options.deadline ?? 200);
    this.#departures = new Departures(this.#clock, options.maxDepartures ?? 100_000);
    this.#behindSince = this.#clock.now();
    this.#state = { type: 'away', since: this.#behindSince, reason: 'not reached yet' };
  }

  /** Looks for the shared store once, then goes on by itself; fulfilled when the first look is over. */
  start(): Promise<void> {
    return this.#look();
  }

  get state(): SharedStoreState {
    return this.#state;
  }

  get resilience(): ResilienceFigures {
    return {
      answeredAlone: this.#answeredAlone,
      outages: this.#outages,
      restored: this.#restored,
      departures: this.#departures.size,
    };
  }

  async announce(announce: PeerAnnounce): Promise<PeerSelection> {
    if (announce.role === 'gone') this.#departures.note({ ...announce, age: 0 });
    if (this.#state.type !== 'away') {
      this.#remember(announce);
      try {
        return await this.#ask(this.#shared.announce(announce));
      } catch (error) {
        this.#lost(error);
      }
    }
    this.#answeredAlone++;
    return { ...(await this.#own.announce(announce)), partial: true, heard: undefined };
  }

  async restore(peers: readonly StoredPeer[]): Promise<Heard[]> {
    // What the shared store has heard says nothing to the own one.
    const own = this.#own.restore(peers.map((peer) => ({ ...peer, heard: undefined })));
    // A full memory does no harm as long as the shared store answers.
    own.catch(() => {});
    const told = peers.map((peer) =>
      isGuess(peer) ? { ...peer, age: Math.max(0, peer.age - GUESS) } : peer,
    );
    for (const peer of told) if (peer.role === 'gone') this.#departures.note(peer);
    if (this.#state.type !== 'away') {
      try {
        return await this.#ask(this.#shared.restore(told));
      } catch (error) {
        this.#lost(error);
      }
    }
    await own;
    return peers.map(() => undefined);
  }

  scrape(infoHashes: readonly InfoHash[]): Promise<(ScrapeEntry | undefined)[]> {
    return this.#read((store) => store.scrape(infoHashes));
  }

  figures(infoHashes: readonly InfoHash[]): Promise<(SwarmFigures | undefined)[]> {
    return this.#read((store) => store.figures(infoHashes));
  }

  swarms(after: InfoHash | undefined, limit: number): Promise<SwarmFigures[]> {
    return this.#read((store) => store.swarms(after, limit));
  }

  totals(): Promise<SwarmTotals> {
    return this.#read((store) => store.totals());
  }

  /**
   * Hears of who comes by this replica at once, and of all else from the shared store; in an outage from this replica's own
   * memory. Those who come by other replicas then are told when they can write them back.
   */
  watch(infoHash: InfoHash, listener: (change: MemberChange) => void): () => void {
    const name = this.#told.newWatch();
    const tell = (change: MemberChange): void => {
      if (this.#told.isNews(name, change)) listener(change);
    };
    // Slow is away too: what the shared store still tells then is true.
    const shared = this.#shared.watch(infoHash, tell);
    // Only the shared store knows whether who has left here is not there by another replica.
    const own = this.#own.watch(infoHash, (change) => {
      if (change.type === 'joined' || this.#state.type === 'away') tell(change);
    });
    return () => {
      shared();
      own();
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#probe?.cancel();
    this.#deadlines.close();
    await Promise.all([this.#shared.close(), this.#own.close()]);
  }

  async #read<T>(ask: (store: PeerStore) => Promise<T>): Promise<T> {
    if (this.#state.type !== 'away') {
      try {
        return await this.#ask(ask(this.#shared));
      } catch (error) {
        this.#lost(error);
      }
    }
    return ask(this.#own);
  }

  #ask<T>(call: Promise<T>): Promise<T> {
    return this.#deadlines.within(call, late);
  }

  /** A full memory does no harm as long as the shared store answers. */
  #remember(announce: PeerAnnounce): void {
    this.#own.announce({ ...announce, numWant: 0 }).catch(() => {});
  }

  /** connected | restoring -> away. @throws what is no outage */
  #lost(error: unknown): void {
    if (!(error instanceof PeerStoreError) || error.code !== 'store-unavailable') throw error;
    if (this.#state.type === 'away') return;
    const since = this.#clock.now();
    this.#state = { type: 'away', since, reason: error.message };
    this.#behindSince ??= since;
    this.#outages++;
    this.#logger.warn('the shared store is away, answering from memory', { reason: error.message });
    this.#lookSoon();
  }

  #lookSoon(): void {
    if (this.#closed) return;
    this.#probe?.cancel();
    // Replicas that lost the store together do not all come back to it in the same moment.
    const wait = this.#probeInterval / 2 + this.#random.below(this.#probeInterval);
    this.#probe = this.#timers.after(wait, () => void this.#look());
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const epoch = await this.#ask(this.#shared.epoch());
      if (this.#state.type === 'away' || epoch !== this.#epoch) await this.#restore(epoch);
    } catch (error) {
      if (!this.#closed) this.#failed(error);
    }
    this.#looking = false;
    this.#lookSoon();
  }

  #failed(error: unknown): void {
    try {
      this.#lost(error);
    } catch {
      this.#logger.error('the shared store cannot be told what happened', {
        reason: printable(String(error)),
      });
    }
  }

  /** away | connected -> restoring -> connected, unless it is lost meanwhile */
  async #restore(epoch: string): Promise<void> {
    const emptied = epoch !== this.#epoch;
    const since = this.#behindSince ?? this.#clock.now();
    const from = emptied ? Number.NEGATIVE_INFINITY : since - MARGIN;
    const restoring = { type: 'restoring' } as const;
    this.#state = restoring;
    for (const peers of this.#changesSince(from)) {
      await this.#shared.restore(peers);
      this.#restored += peers.length;
      if (this.#closed || this.#state !== restoring) return;
    }
    this.#epoch = epoch;
    this.#behindSince = undefined;
    this.#state = { type: 'connected' };
    const behindMs = Math.round(this.#clock.now() - since);
    this.#logger.info('the shared store is back, and knows what this replica does', { behindMs, emptied });
  }

  /** Who is here comes first: who leaves while that is told is among those who have left. */
  *#changesSince(at: number): Generator<StoredPeer[]> {
    for (const members of this.#own.members(BATCH)) {
      const now = this.#clock.now();
      const changed = members.filter(({ age }) => now - age >= at);
      if (changed.length > 0) yield changed;
    }
    yield* this.#departures.since(at, BATCH);
  }
}

function isGuess({ role, heard }: StoredPeer): boolean {
  return role === 'gone' && heard === undefined;
}

function late(): PeerStoreError {
  return new PeerStoreError('store-unavailable', 'the store of the peers does not answer in time');
}
