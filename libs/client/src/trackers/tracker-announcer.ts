import { printable, type Timer } from '@pixtorrent/core';
import { type AnnounceEvent, type AnnounceRequest, TrackerError } from '@pixtorrent/tracker-protocol';
import type { SessionListener, TrackerAnswer } from './announce.ts';
import { retryDelay } from './retry-delay.ts';
import type { SessionLife } from './session-life.ts';
import type { TrackerAnnouncerDependencies, TrackerAnnouncerOptions } from './tracker-announcer-options.ts';
import type { TrackerStatus } from './tracker-status.ts';
import { type Tracker, TrackerTiers } from './tracker-tiers.ts';

/** Milliseconds over which the members of a session that was lost come back, well within the 5 s they are kept. */
const REJOIN_SPREAD = 2000;
/** Milliseconds for which a tracker that sends its members away can have itself left alone. */
const LONGEST_LEAVE = 60_000;

type State =
  | { readonly type: 'idle' }
  | { readonly type: 'announcing'; readonly abort: AbortController; current: Tracker | undefined }
  /**
   * `due`: the next round. `earliest`: when `needPeers` may have it; never while backing off. The timer may come before
   * that, to return to a tracker that keeps sessions.
   */
  | { readonly type: 'waiting'; readonly timer: Timer; readonly due: number; readonly earliest: number }
  | { readonly type: 'stopped' };

/**
 * Keeps one torrent announced: `started` to each tracker that it comes to, then at the tracker's interval, `completed`
 * once, `stopped` at the end. One tracker at a time answers for the torrent; a failing one is followed by the next
 * of its tier, a failing tier by the next tier, and when all fail it backs off. A tracker that keeps sessions tells of
 * peers by itself: as long as one lasts, announces only keep the figures true; when it is lost, it is announced again
 * within 2 s, and while another tracker stands in, it is tried again and again.
 */
export class TrackerAnnouncer {
  readonly #deps: TrackerAnnouncerDependencies;
  readonly #options: TrackerAnnouncerOptions;
  readonly #tiers: TrackerTiers;
  readonly #key: number;
  #state: State = { type: 'idle' };
  #completed = false;
  /** What `needPeers` has asked for since the last round. */
  #wish: { readonly stalled: boolean } | undefined;
  /** The tracker that answers for the torrent. */
  #working: Tracker | undefined;
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

  /**
   * There are too few peers: the next announce comes as soon as the tracker allows. May be called at any time.
   * @param stalled those that there are give nothing
   */
  needPeers(stalled = false): void {
    const state = this.#state;
    if (state.type !== 'waiting') return;
    this.#wish = { stalled };
    if (state.earliest >= state.due) return;
    this.#again(state.earliest - this.#deps.clock.now());
  }

  /**
   * Any -> stopped. Says `stopped` to each tracker that knows of us, and `completed` before where that is due.
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
    const say = (tracker: Tracker, event: AnnounceEvent) =>
      this.#ask(tracker, { event, numWant: 0, stalled: false, signal: abort.signal, timeoutMs });
    // Who ends as soon as it is whole has had no time to say so: the tracker would never count it.
    const unsaid = this.#completed && state.type === 'waiting' ? this.#working : undefined;
    const farewells = Promise.allSettled(
      known.map(async (tracker) => {
        if (tracker === unsaid) await say(tracker, 'completed').catch(() => {});
        return say(tracker, 'stopped');
      }),
    );
    const { promise: timeUp, resolve } = Promise.withResolvers<void>();
    const timer = this.#deps.timers.after(timeoutMs, resolve);
    await Promise.race([farewells, timeUp]);
    timer.cancel();
    abort.abort();
    for (const tracker of known) this.#report(tracker, { type: 'stopped' });
  }

  async #round(): Promise<void> {
    const now = this.#deps.clock.now();
    const all = this.#tiers.inOrder();
    const rested = all.filter(({ session }) => (session?.restsUntil ?? now) <= now);
    if (rested.length === 0) {
      const rest = Math.min(...all.map(({ session }) => session?.restsUntil ?? now)) - now;
      return this.#wait(rest, rest);
    }
    if (await this.#askInTurn(rested)) return;
    this.#working = undefined;
    for (const { session } of all) session?.wake();
    const delay = retryDelay(this.#failures++, this.#deps.random);
    this.#deps.logger.info('no tracker answers', { retryInSeconds: Math.round(delay / 1000) });
    this.#wait(delay, delay);
  }

  /** Tries the trackers with sessions for which another stands in; it stays where none answers. */
  async #return({ due, earliest }: { readonly due: number; readonly earliest: number }): Promise<void> {
    const now = this.#deps.clock.now();
    if (await this.#askInTurn(this.#missed().filter(({ session }) => session.restsUntil <= now))) return;
    this.#sleep(this.#completed ? this.#deps.clock.now() : due, earliest);
    this.#noticeEnd();
  }

  /**
   * Any -> announcing.
   * @returns whether there is nothing left to do: one has answered, or the announcer was stopped meanwhile
   */
  async #askInTurn(trackers: readonly Tracker[]): Promise<boolean> {
    const abort = new AbortController();
    const state: State = { type: 'announcing', abort, current: undefined };
    this.#state = state;
    const wish = this.#wish;
    this.#wish = undefined;
    for (const tracker of trackers) {
      if (this.#state !== state) return true;
      state.current = tracker;
      const event = this.#eventFor(tracker);
      const wantsPeers = wish !== undefined || !tracker.session?.alive;
      // What only keeps the figures of a session true gets no answer that would be worth a word.
      const silent = !wantsPeers && event === undefined;
      if (!silent) this.#report(tracker, { type: 'announcing', ...(event !== undefined && { event }) });
      let response: TrackerAnswer;
      try {
        response = await this.#ask(tracker, {
          event,
          numWant: wantsPeers ? (this.#options.numWant ?? 50) : 0,
          stalled: wish?.stalled ?? false,
          signal: abort.signal,
          timeoutMs: this.#options.timeoutMs ?? 15_000,
        });
      } catch (error) {
        if (this.#state !== state) return true;
        this.#failed(tracker, error);
        continue;
      }
      if (this.#state === state) this.#answered(tracker, event, response, silent);
      return true;
    }
    return false;
  }

  #eventFor(tracker: Tracker): AnnounceEvent | undefined {
    if (!tracker.started) return 'started';
    return this.#completed ? 'completed' : undefined;
  }

  #ask(
    tracker: Tracker,
    {
      event,
      numWant,
      ...options
    }: {
      readonly event: AnnounceEvent | undefined;
      readonly numWant: number;
      readonly stalled: boolean;
      readonly signal: AbortSignal;
      readonly timeoutMs: number;
    },
  ): Promise<TrackerAnswer> {
    const { infoHash, peerId, port, pixwire = true } = this.#options;
    const request: AnnounceRequest = {
      infoHash,
      peerId,
      port,
      ...this.#deps.figures(),
      key: this.#key,
      numWant,
      ...(event !== undefined && { event }),
      ...(tracker.trackerId !== undefined && { trackerId: tracker.trackerId }),
    };
    const listener: SessionListener = {
      joined: (peers) => {
        if (this.#state.type !== 'stopped') this.#deps.onPeers(peers);
      },
      ended: (afterMs) => this.#ended(tracker, afterMs),
    };
    return this.#deps.announce(tracker.url, request, { ...options, pixwire, listener });
  }

  /** announcing -> waiting */
  #answered(
    tracker: Tracker,
    event: AnnounceEvent | undefined,
    response: TrackerAnswer,
    silent: boolean,
  ): void {
    this.#failures = 0;
    this.#working = tracker;
    this.#tiers.promote(tracker);
    if (response.session) tracker.session?.opened(response.session, this.#deps.clock.now());
    tracker.started = true;
    tracker.trackerId = response.trackerId ?? tracker.trackerId;
    if (event === 'completed') this.#completed = false;
    const interval = response.interval * 1000;
    const least = (response.minInterval ?? this.#options.minInterval ?? 60) * 1000;
    // `completed` came while `started` was on its way, or this tracker had to hear `started` first.
    if (this.#completed) this.#wait(0, 0);
    else this.#wait(interval, Math.min(least, interval));
    this.#noticeEnd();
    if (silent) return;
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
    tracker.session?.failed(this.#deps.clock.now());
  }

  /** A session may have ended while nobody could be told: between its answer and now, or during another announce. */
  #noticeEnd(): void {
    if (this.#working?.session?.broken) this.#ended(this.#working, 0);
  }

  /** waiting -> waiting, but not for long */
  #ended(tracker: Tracker, afterMs: number): void {
    if (this.#state.type !== 'waiting' || this.#working !== tracker) return;
    tracker.session?.ended(this.#deps.clock.now());
    this.#report(tracker, { type: 'failed', code: 'unreachable', message: 'the session has ended' });
    this.#again(Math.min(afterMs, LONGEST_LEAVE) + this.#deps.random.below(REJOIN_SPREAD));
  }

  /** Those that come before the one that answers, and keep sessions. */
  #missed(): (Tracker & { readonly session: SessionLife })[] {
    const all = this.#tiers.inOrder();
    const before = all.slice(0, Math.max(0, this.#working ? all.indexOf(this.#working) : 0));
    return before.filter((tracker) => hasSessions(tracker));
  }

  #again(delay: number): void {
    const wait = Math.max(0, delay);
    if (this.#state.type === 'waiting') this.#state.timer.cancel();
    this.#wait(wait, wait);
  }

  /** `delay` and `earliest` are milliseconds from now. */
  #wait(delay: number, earliest: number): void {
    const now = this.#deps.clock.now();
    this.#sleep(now + delay, now + earliest);
  }

  /** Any but stopped -> waiting */
  #sleep(due: number, earliest: number): void {
    if (this.#state.type === 'stopped') return;
    const now = this.#deps.clock.now();
    const returnAt = Math.min(...this.#missed().map(({ session }) => session.restsUntil));
    const timer =
      returnAt < due
        ? this.#deps.timers.after(Math.max(0, returnAt - now), () => void this.#return({ due, earliest }))
        : this.#deps.timers.after(Math.max(0, due - now), () => void this.#round());
    this.#state = { type: 'waiting', timer, due, earliest };
  }

  #report(tracker: Tracker, status: TrackerStatus): void {
    this.#deps.onStatus?.(tracker.url, status);
  }
}

function hasSessions(tracker: Tracker): tracker is Tracker & { readonly session: SessionLife } {
  return tracker.session !== undefined;
}
