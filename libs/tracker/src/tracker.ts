import type { InfoHash } from '@pixtorrent/core';
import type { AnnounceRequest, ScrapeEntry } from '@pixtorrent/tracker-protocol';
import type { Asking, TrackerAnswer, TrackerLogic } from './frontends/tracker-logic.ts';
import type { PeerAnnounce, PeerSelection, PeerStore } from './stores/peer-store.ts';

export interface TrackerOptions {
  /**
   * Seconds between a peer's announces.
   * @default 120
   */
  readonly interval?: number;
  /**
   * Seconds that a peer has to leave between announces, however much it wants peers.
   * @default 10
   */
  readonly minInterval?: number;
  /**
   * Peers in an answer where the asker names no number.
   * @default 50
   */
  readonly defaultNumWant?: number;
  /**
   * Peers in an answer at the most.
   * @default 200
   */
  readonly maxNumWant?: number;
}

/** A peer that misses two announces is forgotten soon after the second. */
const INTERVALS_TO_LIVE = 2.25;
const DEFAULT_INTERVAL = 120;

/** Milliseconds for which a store is to keep a peer, by the tracker's interval in seconds. */
export function timeToLive(interval = DEFAULT_INTERVAL): number {
  return interval * INTERVALS_TO_LIVE * 1000;
}

/** For people: clients show it beside the tracker. */
const PARTIAL = 'peers may be missing: this tracker does not reach its store';

/** A store that answers announces at once has that, too. */
interface PromptStore {
  announceNow(announce: PeerAnnounce): PeerSelection;
}

/** The rules of a tracker: what an announce means for the store, and what its asker is told. */
export class Tracker implements TrackerLogic {
  readonly #store: PeerStore & Partial<PromptStore>;
  readonly #interval: number;
  readonly #minInterval: number;
  readonly #defaultNumWant: number;
  readonly #maxNumWant: number;

  constructor(store: PeerStore & Partial<PromptStore>, options: TrackerOptions = {}) {
    this.#store = store;
    this.#interval = options.interval ?? DEFAULT_INTERVAL;
    this.#minInterval = Math.min(options.minInterval ?? 10, this.#interval);
    this.#defaultNumWant = options.defaultNumWant ?? 50;
    this.#maxNumWant = options.maxNumWant ?? 200;
  }

  announce(request: AnnounceRequest, asking: Asking): TrackerAnswer | Promise<TrackerAnswer> {
    const store = this.#store;
    const announce = this.#announceOf(request, asking);
    if (store.announceNow !== undefined) return this.#answerOf(store.announceNow(announce));
    return store.announce(announce).then(this.#answerOf);
  }

  scrape(infoHashes: readonly InfoHash[]): Promise<(ScrapeEntry | undefined)[]> {
    return this.#store.scrape(infoHashes);
  }

  #announceOf(request: AnnounceRequest, asking: Asking): PeerAnnounce {
    const { infoHash, peerId, port, event, left } = request;
    return {
      infoHash,
      peerId,
      address: asking.address,
      port,
      role: event === 'stopped' ? 'gone' : left === 0 ? 'seed' : 'leecher',
      left,
      completed: event === 'completed',
      zone: asking.zone ?? '',
      node: asking.node ?? '',
      pixwire: asking.pixwire ?? false,
      numWant: Math.min(request.numWant ?? this.#defaultNumWant, this.#maxNumWant),
      families: asking.families,
      details: asking.details,
      stalledWith: asking.stalledWith,
    };
  }

  readonly #answerOf = ({ seeders, leechers, peers, heard, partial }: PeerSelection): TrackerAnswer => {
    const answer = {
      interval: this.#interval,
      minInterval: this.#minInterval,
      seeders,
      leechers,
      peers,
      heard,
    };
    return partial ? { ...answer, warning: PARTIAL } : answer;
  };
}
