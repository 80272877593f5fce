import {
  type Clock,
  type InfoHash,
  type Logger,
  type PeerId,
  printable,
  type Random,
  type Timer,
  type Timers,
} from '@pixtorrent/core';
import {
  type AnnounceEvent,
  type AnnounceRequest,
  type AnnounceResponse,
  TrackerError,
  type TrackerPeer,
} from '@pixtorrent/tracker-protocol';
import { retryDelay } from './retry-delay.ts';
import type { TrackerStatus } from './tracker-status.ts';
import { type Tracker, TrackerTiers } from './tracker-tiers.ts';

/** Asks one tracker; `announce` of node-io is one. Rejects with a `TrackerError`. */
export type Announce = (
  url: string,
  request: AnnounceRequest,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
) => Promise<AnnounceResponse>;

/** Bytes, as an announce reports them. */
export interface TransferFigures {
  readonly uploaded: number;
  readonly downloaded: number;
  readonly left: number;
}

export interface TrackerAnnouncerDependencies {
  readonly announce: Announce;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  /** Asked at each announce. */
  readonly figures: () => TransferFigures;
  /** Peers that a tracker named; may be called with those known before. */
  readonly onPeers: (peers: readonly TrackerPeer[]) => void;
  readonly onStatus?: (url: string, status: TrackerStatus) => void;
}

export interface TrackerAnnouncerOptions {
  /** Announce URLs by tier (BEP 12). */
  readonly tiers: readonly (readonly string[])[];
  readonly infoHash: InfoHash;
  readonly peerId: PeerId;
  /** Where this node listens. */
  readonly port: number;
  /**
   * Peers asked for.
   * @default 50
   */
  readonly numWant?: number;
  /**
   * Milliseconds for one tracker's answer.
   * @default 15,000
   */
  readonly timeoutMs?: number;
  /**
   * Milliseconds for all the farewells together.
   * @default 3,000
   */
  readonly stopTimeoutMs?: number;
  /**
   * Seconds between announces that nobody but `needPeers` asks for, where the tracker names no `min interval`.
   * @default 60
   */
  readonly minInterval?: number;
}

type State =
  | { readonly type: 'idle' }
  | { readonly type: 'announcing'; readonly abort: AbortController; current: Tracker | undefined }
  /** `earliest`: when `needPeers` may have the next announce; never while backing off. */
  | { readonly type: 'waiting'; readonly timer: Timer; readonly due: number; readonly earliest: number }
  | { readonly type: 'stopped' };

/**
 * Keeps one torrent announced: `started` to each tracker that it comes to, then at the tracker's interval, `completed`
 * once, `stopped` at the end. One tracker at a time answers for the torrent; a failing one is followed by the next
 * of its tier, a failing tier by the next tier, and when all fail it backs off.
 */
export class TrackerAnnouncer {
  readonly #deps: TrackerAnnouncerDependencies;
  readonly #options: TrackerAnnouncerOptions;
  readonly #tiers: TrackerTiers;
  readonly #key: number;
  #state: State = { type: 'idle' };
  #completed = false;
  #failures = 0;
  #stopping: Promise<void> | undefined;

  constructor(dependencies: TrackerAnnouncerDependencies, options: TrackerAnnouncerOptions) {
    this.#deps = dependencies;
    this.#options = options;
    this.#tiers = new TrackerTiers(options.tiers, dependencies.random);
    this.#key = dependencies.random.below(2 ** 32);
  }

  /** idle -> announcing; nothing where there is no tracker. */
  start(): void {
    if (this.#state.type === 'idle' && this.#tiers.inOrder().length > 0) void this.#round();
  }

  /** The download has become whole in this session: says so at once. Not to be called for what was whole before. */
  completed(): void {
    this.#completed = true;
    if (this.#state.type === 'waiting' && this.#failures === 0) this.#again(0);
  }

  /** There are too few peers: the next announce comes as soon as the tracker allows. May be called at any time. */
  needPeers(): void {
    const state = this.#state;
    if (state.type !== 'waiting' || state.earliest >= state.due) return;
    this.#again(state.earliest - this.#deps.clock.now());
  }

  /**
   * Any -> stopped. Says `stopped` to each tracker that knows of us.
   * @returns a promise that is fulfilled when they have answered or their time is up
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const state = this.#state;
    this.#state = { type: 'stopped' };
    if (state.type === 'waiting') state.timer.cancel();
    if (state.type === 'announcing') {
      // An announce on its way may well have arrived.
      if (state.current !== undefined) state.current.started = true;
      state.abort.abort();
    }
    const known = this.#tiers.inOrder().filter((tracker) => tracker.started);
    if (known.length === 0) return;
    const abort = new AbortController();
    const timeoutMs = this.#options.stopTimeoutMs ?? 3000;
    const farewells = Promise.allSettled(
      known.map((tracker) => this.#ask(tracker, 'stopped', abort.signal, timeoutMs)),
    );
    const { promise: timeUp, resolve } = Promise.withResolvers<void>();
    const timer = this.#deps.timers.after(timeoutMs, resolve);
    await Promise.race([farewells, timeUp]);
    timer.cancel();
    abort.abort();
    for (const tracker of known) this.#report(tracker, { type: 'stopped' });
  }

  async #round(): Promise<void> {
    const abort = new AbortController();
    const state: State = { type: 'announcing', abort, current: undefined };
    this.#state = state;
    for (const tracker of this.#tiers.inOrder()) {
      state.current = tracker;
      const event = this.#eventFor(tracker);
      this.#report(tracker, { type: 'announcing', ...(event !== undefined && { event }) });
      let response: AnnounceResponse;
      try {
        const timeoutMs = this.#options.timeoutMs ?? 15_000;
        response = await this.#ask(tracker, event, abort.signal, timeoutMs);
      } catch (error) {
        if (this.#state !== state) return;
        this.#failed(tracker, error);
        continue;
      }
      if (this.#state === state) this.#answered(tracker, event, response);
      return;
    }
    const delay = retryDelay(this.#failures++, this.#deps.random);
    this.#deps.logger.info('no tracker answers', { retryInSeconds: Math.round(delay / 1000) });
    this.#wait(delay, delay);
  }

  #eventFor(tracker: Tracker): AnnounceEvent | undefined {
    if (!tracker.started) return 'started';
    return this.#completed ? 'completed' : undefined;
  }

  #ask(
    tracker: Tracker,
    event: AnnounceEvent | undefined,
    signal: AbortSignal,
    timeoutMs: number,
  ): Promise<AnnounceResponse> {
    const { infoHash, peerId, port, numWant = 50 } = this.#options;
    const request: AnnounceRequest = {
      infoHash,
      peerId,
      port,
      ...this.#deps.figures(),
      key: this.#key,
      numWant: event === 'stopped' ? 0 : numWant,
      ...(event !== undefined && { event }),
      ...(tracker.trackerId !== undefined && { trackerId: tracker.trackerId }),
    };
    return this.#deps.announce(tracker.url, request, { signal, timeoutMs });
  }

  /** announcing -> waiting */
  #answered(tracker: Tracker, event: AnnounceEvent | undefined, response: AnnounceResponse): void {
    this.#failures = 0;
    this.#tiers.promote(tracker);
    tracker.started = true;
    tracker.trackerId = response.trackerId ?? tracker.trackerId;
    if (event === 'completed') this.#completed = false;
    const interval = response.interval * 1000;
    const least = (response.minInterval ?? this.#options.minInterval ?? 60) * 1000;
    // `completed` came while `started` was on its way, or this tracker had to hear `started` first.
    if (this.#completed) this.#wait(0, 0);
    else this.#wait(interval, Math.min(least, interval));
    const { seeders, leechers, warning, peers } = response;
    this.#report(tracker, {
      type: 'working',
      peers: peers.length,
      nextAnnounceSeconds: response.interval,
      ...(seeders !== undefined && { seeders }),
      ...(leechers !== undefined && { leechers }),
      ...(warning !== undefined && { warning }),
    });
    if (peers.length > 0) this.#deps.onPeers(peers);
  }

  #failed(tracker: Tracker, error: unknown): void {
    const code = error instanceof TrackerError ? error.code : 'unreachable';
    const message = printable(error instanceof Error ? error.message : String(error));
    this.#deps.logger.debug('announce failed', { tracker: printable(tracker.url), code, reason: message });
    this.#report(tracker, { type: 'failed', code, message });
  }

  #again(delay: number): void {
    const wait = Math.max(0, delay);
    if (this.#state.type === 'waiting') this.#state.timer.cancel();
    this.#wait(wait, wait);
  }

  /** `delay` and `earliest` are milliseconds from now. */
  #wait(delay: number, earliest: number): void {
    const now = this.#deps.clock.now();
    const timer = this.#deps.timers.after(delay, () => void this.#round());
    this.#state = { type: 'waiting', timer, due: now + delay, earliest: now + earliest };
  }

  #report(tracker: Tracker, status: TrackerStatus): void {
    this.#deps.onStatus?.(tracker.url, status);
  }
}
