import type { tracker } from '@pixtorrent/contracts';
import { type Clock, ID_LENGTH, type PeerId, sameBytes, type Timers, toHex } from '@pixtorrent/core';
import { TokenBucket } from '@pixtorrent/engine';
import { type AnnounceRequest, type AnnounceResponse, TrackerError } from '@pixtorrent/tracker-protocol';
import type { AnnounceOptions, SessionListener, TrackerAnswer } from '../announce.ts';
import { announceMessage, peersOf, refusalOf, responseOf, updateMessage } from './session-messages.ts';
import type { OpenStream, SessionStream } from './session-stream.ts';
import type { SessionTarget } from './session-target.ts';

/** Swarms of one stream; the tracker takes no more. */
const MAX_SWARMS = 10_000;
/** Messages that wait to be sent: an announce and an update of each swarm. */
const MAX_UNSENT = 2 * MAX_SWARMS;
/** Messages and peers a second that are looked at; what comes faster waits at the tracker. */
const RECEIVED_A_SECOND = 20_000;

export interface SessionDependencies {
  readonly open: OpenStream;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Where this node is: the tracker names peers near it first. At most 63 bytes each. */
export interface NodeLabels {
  readonly zone: string;
  readonly node: string;
}

interface Swarm {
  readonly peerId: PeerId;
  alive: boolean;
  listener: SessionListener;
  /** Undefined until the tracker has answered. */
  last: AnnounceResponse | undefined;
  asking: { resolve(response: AnnounceResponse): void; reject(error: TrackerError): void } | undefined;
}

/**
 * One stream to one tracker for many swarms: the first message of a swarm announces it, later ones say what has
 * changed, and who joins is told unasked. It begins with its first swarm and is over with its last, or when the stream
 * ends.
 */
export class TrackerSession {
  readonly #timers: Timers;
  readonly #clock: Clock;
  readonly #labels: NodeLabels & { readonly announceKey: string };
  readonly #stream: SessionStream;
  readonly #received: TokenBucket;
  readonly #swarms = new Map<string, Swarm>();
  readonly #onOver: () => void;
  #pausing = false;
  #over = false;

  constructor(deps: SessionDependencies, target: SessionTarget, labels: NodeLabels, onOver: () => void) {
    this.#timers = deps.timers;
    this.#clock = deps.clock;
    this.#labels = { zone: labels.zone, node: labels.node, announceKey: target.announceKey };
    this.#onOver = onOver;
    this.#received = new TokenBucket(RECEIVED_A_SECOND, deps.clock.now());
    this.#stream = deps.open(target, {
      message: (message) => this.#message(message),
      ended: (error) => this.#end(error, 0),
    });
  }

  /** Whether the swarm is announced here for this peer. */
  has({ infoHash, peerId }: AnnounceRequest): boolean {
    const swarm = this.#swarms.get(toHex(infoHash));
    return swarm !== undefined && sameBytes(swarm.peerId, peerId);
  }

  /** Whether one more swarm can be announced here: a swarm has one peer in a session. */
  hasRoomFor({ infoHash }: AnnounceRequest): boolean {
    return this.#swarms.size < MAX_SWARMS && !this.#swarms.has(toHex(infoHash));
  }

  /**
   * Announces the swarm, or says what has changed. Where that asks for no peers, it comes back at once with what the
   * tracker said last; the answer to `stopped` says nothing, and comes when the tracker has been told.
   * @throws TrackerError
   */
  async announce(request: AnnounceRequest, options: AnnounceOptions): Promise<TrackerAnswer> {
    if (request.event === 'stopped') return this.#leave(request, options);
    const key = toHex(request.infoHash);
    const swarm = this.#swarms.get(key) ?? this.#join(key, request.peerId, options.listener);
    swarm.listener = options.listener;
    swarm.asking?.reject(new TrackerError('cancelled', 'another announce took its place'));
    if (swarm.last === undefined) {
      const { pixwire, stalled } = options;
      this.#send(announceMessage(request, { ...this.#labels, pixwire, stalled }));
    } else {
      this.#send(updateMessage(request, options.stalled));
      if (!request.numWant) return { ...swarm.last, peers: [], session: swarm };
    }
    return { ...(await this.#answer(key, swarm, options)), session: swarm };
  }

  /** Ends it without a word: the tracker keeps its peers for some seconds. */
  destroy(): void {
    this.#end(new TrackerError('cancelled', 'the client was closed'), 0);
  }

  #join(key: string, peerId: PeerId, listener: SessionListener): Swarm {
    const swarm: Swarm = { peerId, alive: true, listener, last: undefined, asking: undefined };
    this.#swarms.set(key, swarm);
    return swarm;
  }

  #answer(key: string, swarm: Swarm, { signal, timeoutMs }: AnnounceOptions): Promise<AnnounceResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<AnnounceResponse>();
    const settle = () => {
      timer.cancel();
      signal.removeEventListener('abort', abort);
      swarm.asking = undefined;
    };
    const fail = (error: TrackerError) => {
      settle();
      reject(error);
    };
    const abort = () => fail(new TrackerError('cancelled', 'the question was taken back'));
    const timer = this.#timers.after(timeoutMs, () => {
      fail(new TrackerError('timeout', `no answer within ${timeoutMs / 1000} s`));
      this.#drop(key);
    });
    swarm.asking = {
      resolve: (response) => {
        settle();
        resolve(response);
      },
      reject: fail,
    };
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    if (this.#over) fail(new TrackerError('unreachable', 'the session has ended'));
    return promise;
  }

  async #leave(request: AnnounceRequest, { signal, timeoutMs }: AnnounceOptions): Promise<TrackerAnswer> {
    const key = toHex(request.infoHash);
    const swarm = this.#swarms.get(key);
    const nothing = { interval: swarm?.last?.interval ?? 0, peers: [] };
    if (swarm === undefined) return nothing;
    swarm.asking?.reject(new TrackerError('cancelled', 'the swarm is left'));
    this.#forget(key);
    const taken = this.#send(updateMessage(request, false));
    const last = this.#swarms.size === 0;
    if (last) this.#finish();
    const { promise: timeUp, resolve } = Promise.withResolvers<void>();
    const timer = this.#timers.after(timeoutMs, resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
    // A tracker ends its side when it has read all: then it has heard the farewell for sure.
    await Promise.race([last ? this.#stream.end() : taken, timeUp]);
    timer.cancel();
    if (last) this.#stream.destroy();
    return nothing;
  }

  #send(message: tracker.SessionRequest): Promise<void> {
    if (this.#over) return Promise.resolve();
    const taken = this.#stream.send(message);
    if (this.#stream.unsent > MAX_UNSENT)
      this.#end(new TrackerError('unreachable', 'the tracker reads too slowly'), 0);
    return taken;
  }

  #message({ message }: tracker.SessionResponse): void {
    if (this.#over) return;
    switch (message?.$case) {
      case 'answer':
        this.#answered(message.answer);
        break;
      case 'change':
        this.#changed(message.change);
        break;
      case 'refusal':
        this.#refused(message.refusal);
        break;
      case 'goAway':
        this.#end(
          new TrackerError('unreachable', 'the tracker is going away'),
          message.goAway.reconnectAfterMs,
        );
        break;
      // A kind of message that came after this version: it says nothing to us, but costs as much.
      case undefined:
        this.#count(0);
        break;
    }
  }

  #answered({ infoHash, response }: tracker.SessionAnswer): void {
    this.#count(response?.peers.length ?? 0);
    const swarm = this.#find(infoHash);
    if (swarm === undefined || response === undefined) return;
    const answer = responseOf(response);
    swarm.last = { ...answer, peers: [] };
    swarm.asking?.resolve(answer);
  }

  #changed({ infoHash, joined, left }: tracker.SwarmChange): void {
    this.#count(joined.length + left.length);
    const peers = peersOf(joined);
    if (peers.length > 0) this.#find(infoHash)?.listener.joined(peers);
  }

  #refused(refusal: tracker.SessionRefusal): void {
    this.#count(0);
    const swarm = this.#find(refusal.infoHash);
    if (swarm === undefined) return;
    const { asking } = swarm;
    this.#drop(toHex(refusal.infoHash));
    if (asking) asking.reject(refusalOf(refusal));
    else swarm.listener.ended(0);
  }

  #find(infoHash: Uint8Array): Swarm | undefined {
    return infoHash.length === ID_LENGTH ? this.#swarms.get(toHex(infoHash)) : undefined;
  }

  /** Reads no faster than it should: a tracker that floods is left to wait. */
  #count(peers: number): void {
    const now = this.#clock.now();
    this.#received.take(1 + peers, now);
    const wait = this.#received.wait(now);
    if (wait === 0 || this.#pausing) return;
    this.#pausing = true;
    this.#stream.pause();
    this.#timers.after(wait, () => {
      this.#pausing = false;
      if (!this.#over) this.#stream.resume();
    });
  }

  /** The swarm is given up; the last one takes the stream with it. */
  #drop(key: string): void {
    this.#forget(key);
    if (this.#swarms.size > 0 || this.#over) return;
    this.#finish();
    this.#stream.destroy();
  }

  #forget(key: string): void {
    const swarm = this.#swarms.get(key);
    if (swarm) swarm.alive = false;
    this.#swarms.delete(key);
  }

  /** open -> over, and every swarm learns of it. */
  #end(error: TrackerError, afterMs: number): void {
    if (this.#over) return;
    this.#finish();
    this.#stream.destroy();
    const swarms = [...this.#swarms.values()];
    this.#swarms.clear();
    for (const swarm of swarms) {
      swarm.alive = false;
      if (swarm.asking) swarm.asking.reject(error);
      else swarm.listener.ended(afterMs);
    }
  }

  #finish(): void {
    this.#over = true;
    this.#onOver();
  }
}
