import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import { tracker as wire } from '@pixtorrent/contracts';
import { type Clock, type InfoHash, type Timer, type Timers, toHex } from '@pixtorrent/core';
import { type ErrorMapper, InvalidArgument, StatusError, toServiceError } from '@pixtorrent/service-kit';
import type { TrackerLogic } from '@pixtorrent/tracker';
import type { AnnounceRequest } from '@pixtorrent/tracker-protocol';
import { type Announced, announcedBy, answerMessage, infoHashOf, updatedBy } from '../announce-messages.ts';
import type { Caller } from '../callers.ts';
import { bufferOf } from '../swarm-messages.ts';
import type { SessionEnd, SessionMetrics } from './session-metrics.ts';
import { SessionSwarm } from './session-swarm.ts';
import type { SwarmNews } from './swarm-news.ts';

/** Messages are encoded by whoever writes them: what is told to many is encoded once. */
export type SessionCall = ServerDuplexStream<wire.SessionRequest, Buffer>;

export interface SessionDependencies {
  readonly call: SessionCall;
  readonly caller: Caller;
  readonly logic: TrackerLogic;
  readonly news: SwarmNews;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly metrics: SessionMetrics;
  readonly mapError: ErrorMapper;
}

export interface SessionOptions {
  readonly maxSwarms: number;
  /** Swarms of all sessions together. */
  readonly maxSessionSwarms: number;
  /** Bytes that may wait to be read by the client; beyond them it is told nothing unasked. */
  readonly maxUnread: number;
  /** Milliseconds for which it may be so. */
  readonly maxStall: number;
}

/** What a session asks of all of them together. */
export interface SessionOwner {
  /** Their stream is over without a farewell. */
  departed(swarms: readonly SessionSwarm[]): void;
  /** The store has let the peer go although it is there. */
  lost(swarm: SessionSwarm): void;
}

/** Messages of one stream that are worked on; the next ones wait at the client. */
const MAX_AT_WORK = 64;
/** Milliseconds after which a slow client may come back. */
const PAUSE = 1000;

/** One stream, and what its client announces on it. */
export class Session {
  readonly #deps: SessionDependencies;
  readonly #options: SessionOptions;
  readonly #owner: SessionOwner;
  readonly #swarms = new Map<string, SessionSwarm>();
  /** By info hash: what is under way, in the order in which it came. */
  readonly #atWork = new Map<string, Promise<void>>();
  #working = 0;
  #unread = 0;
  #stall: Timer | undefined;
  #end: SessionEnd | undefined;
  /** Called when nothing is under way any more. */
  #onIdle: (() => void) | undefined;
  readonly #over = Promise.withResolvers<SessionEnd>();

  constructor(dependencies: SessionDependencies, options: SessionOptions, owner: SessionOwner) {
    this.#deps = dependencies;
    this.#options = options;
    this.#owner = owner;
  }

  get swarms(): ReadonlyMap<string, SessionSwarm> {
    return this.#swarms;
  }

  /** Fulfilled when the stream is over, whyever. */
  run(): Promise<SessionEnd> {
    const { call } = this.#deps;
    call.on('data', (request: wire.SessionRequest) => this.#receive(request));
    // A connection that is lost ends what is read too: the farewells tell the difference.
    call.once('end', () => this.#whenIdle(() => this.#finish(this.#swarms.size === 0 ? 'ended' : 'lost')));
    call.once('cancelled', () => this.#finish('lost'));
    // The stream ends by a status that it makes of the error; there is nothing to add.
    call.on('error', () => {});
    if (call.cancelled) this.#finish('lost');
    return this.#over.promise;
  }

  /** Answers what is under way, tells the client to come back after `reconnectAfterMs`, and ends. */
  goAway(reconnectAfterMs: number): void {
    this.#deps.call.pause();
    this.#whenIdle(() => {
      if (this.#end === undefined)
        void this.#write({ message: { $case: 'goAway', goAway: { reconnectAfterMs } } });
      this.#finish('away');
    });
  }

  /** Refuses a swarm, where it has it, when `check` throws. */
  recheck(key: string, check: (announced: Announced) => void): void {
    const swarm = this.#swarms.get(key);
    if (swarm === undefined || this.#end !== undefined) return;
    this.#work(key, swarm.announced.request.infoHash, async () => {
      if (this.#swarms.get(key) === swarm) check(swarm.announced);
    });
  }

  tell(message: Buffer): void {
    const { metrics } = this.#deps;
    if (this.#unread > this.#options.maxUnread) metrics.dropped.inc();
    else {
      metrics.pushes.inc();
      this.#send(message);
    }
  }

  lost(swarm: SessionSwarm): void {
    this.#owner.lost(swarm);
  }

  #receive({ message }: wire.SessionRequest): void {
    // A kind of message that came after this version says nothing to us.
    if (message === undefined || this.#end !== undefined) return;
    const said = message.$case === 'announce' ? message.announce : message.update;
    const hash = infoHashOf(said.infoHash);
    if (hash === undefined) {
      const description = `has ${said.infoHash.length} bytes, 20 are needed`;
      this.#fail('wrong', new InvalidArgument([{ field: `${message.$case}.info_hash`, description }]));
      return;
    }
    const key = toHex(hash);
    this.#work(
      key,
      hash,
      message.$case === 'announce'
        ? () => this.#announce(key, message.announce)
        : () => this.#update(key, message.update),
    );
  }

  /** Works on what was said of a swarm when all that was said of it before is done. */
  #work(key: string, hash: InfoHash, step: () => Promise<void>): void {
    const { call } = this.#deps;
    if (++this.#working >= MAX_AT_WORK) call.pause();
    const guarded = async (): Promise<void> => {
      try {
        if (this.#end === undefined) await step();
      } catch (error) {
        await this.#refuse(key, hash, error);
      }
    };
    const before = this.#atWork.get(key);
    const work = (before === undefined ? guarded() : before.then(guarded)).then(() => {
      if (this.#atWork.get(key) === work) this.#atWork.delete(key);
      if (--this.#working < MAX_AT_WORK && this.#end === undefined && this.#onIdle === undefined)
        call.resume();
      if (this.#working === 0) this.#onIdle?.();
    });
    this.#atWork.set(key, work);
  }

  async #announce(key: string, message: wire.AnnounceRequest): Promise<void> {
    const { caller, logic } = this.#deps;
    const announced = announcedBy(message, caller);
    const known = this.#swarms.get(key);
    // It listens elsewhere now: nobody is where it was.
    if (known !== undefined && !known.isAt(announced)) {
      const { request, asking } = known.announced;
      await logic.announce({ ...request, event: 'stopped', numWant: 0 }, asking);
    }
    known?.announceAgain(announced);
    const { request, stalled } = announced;
    const swarm = known ?? this.#join(key, announced);
    await this.#ask(key, swarm, request, { stalled, wantsAnswer: true });
  }

  async #update(key: string, message: wire.SessionUpdate): Promise<void> {
    const swarm = this.#swarms.get(key);
    if (swarm === undefined)
      throw new StatusError('NOT_FOUND', 'the torrent has not been announced on this stream');
    const { stalled, numWant } = message;
    const request = updatedBy(message, swarm.announced);
    await this.#ask(key, swarm, request, { stalled, wantsAnswer: numWant !== undefined });
  }

  #join(key: string, announced: Announced): SessionSwarm {
    const { maxSwarms, maxSessionSwarms } = this.#options;
    if (this.#swarms.size >= maxSwarms)
      throw new StatusError('RESOURCE_EXHAUSTED', `a stream has room for ${maxSwarms} torrents`);
    if (this.#deps.news.followed >= maxSessionSwarms)
      throw new StatusError('RESOURCE_EXHAUSTED', 'this tracker has no room for more torrents on streams');
    const swarm = new SessionSwarm(announced, this.#deps.clock, this);
    this.#swarms.set(key, swarm);
    // Before it is announced: who comes between its answer and the news would be missed.
    if (announced.request.event !== 'stopped')
      swarm.unfollow = this.#deps.news.follow(announced.request.infoHash, key, swarm);
    return swarm;
  }

  async #ask(
    key: string,
    swarm: SessionSwarm,
    request: AnnounceRequest,
    { stalled, wantsAnswer }: { readonly stalled: boolean; readonly wantsAnswer: boolean },
  ): Promise<void> {
    const { asking, warning } = swarm.announced;
    swarm.says(request);
    const stops = request.event === 'stopped';
    if (stops) swarm.unfollow();
    const answer = await this.#deps.logic.announce(request, {
      ...asking,
      ...(stalled && { stalledWith: swarm.handedOut.endpoints() }),
    });
    swarm.wasHeard(answer.heard);
    if (this.#end !== undefined) return;
    if (stops) this.#swarms.delete(key);
    swarm.handedOut.add(answer.peers);
    if (!wantsAnswer) return;
    const response = answerMessage(answer, warning);
    await this.#write({
      message: { $case: 'answer', answer: { infoHash: bufferOf(request.infoHash), response } },
    });
  }

  /** The swarm is no more on this stream; the others go on. */
  async #refuse(key: string, hash: InfoHash, error: unknown): Promise<void> {
    const { mapError, metrics } = this.#deps;
    const known = error instanceof StatusError ? error : mapError(error);
    const name = known?.code ?? 'INTERNAL';
    const reason = known?.message ?? 'the tracker has a fault';
    metrics.refusals.inc({ status: name });
    const swarm = this.#swarms.get(key);
    if (swarm !== undefined && this.#end === undefined) {
      this.#forget(key, swarm);
      this.#owner.departed([swarm]);
    }
    const refusal = { infoHash: bufferOf(hash), code: status[name], reason };
    await this.#write({ message: { $case: 'refusal', refusal } });
  }

  #forget(key: string, swarm: SessionSwarm): void {
    swarm.unfollow();
    this.#swarms.delete(key);
  }

  /** Fulfilled when it has gone out, which it does as the client reads; maybe never where the stream ends before. */
  #write(message: wire.SessionResponse): Promise<void> {
    return new Promise((resolve) => {
      if (this.#end !== undefined) resolve();
      else this.#send(bufferOf(wire.SessionResponse.encode(message).finish()), resolve);
    });
  }

  #send(message: Buffer, sent?: () => void): void {
    if (this.#end !== undefined) return;
    const { maxUnread, maxStall } = this.#options;
    const { length } = message;
    this.#unread += length;
    if (this.#unread > maxUnread) this.#stall ??= this.#deps.timers.after(maxStall, () => this.#tooSlow());
    this.#deps.call.write(message, () => {
      this.#unread -= length;
      if (this.#unread <= maxUnread) {
        this.#stall?.cancel();
        this.#stall = undefined;
      }
      sent?.();
    });
  }

  #tooSlow(): void {
    const reason = 'what is told is not read here: begin again';
    this.#fail('slow', new StatusError('ABORTED', reason, { retryAfter: PAUSE }));
  }

  #fail(end: SessionEnd, error: StatusError): void {
    if (this.#end !== undefined) return;
    this.#finish(end);
    this.#deps.call.emit('error', toServiceError(error));
  }

  #whenIdle(then: () => void): void {
    if (this.#working === 0) then();
    else this.#onIdle = then;
  }

  /** open -> over: those who have not said `stopped` depart. */
  #finish(end: SessionEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#stall?.cancel();
    const left = [...this.#swarms.values()];
    for (const [key, swarm] of this.#swarms) this.#forget(key, swarm);
    this.#owner.departed(left);
    if (end !== 'slow' && end !== 'wrong') this.#deps.call.end();
    this.#over.resolve(end);
  }
}
