import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Roster, RosterChange } from '@pixtorrent/cluster';
import type { cluster as wire } from '@pixtorrent/contracts';
import type { Timer, Timers } from '@pixtorrent/core';
import { type ErrorMapper, StatusError, toServiceError } from '@pixtorrent/service-kit';
import { goneEvent, type NodeEvents, SYNCED } from './cluster-messages.ts';
import { whenKnown } from './known-roster.ts';

/** Messages are encoded by whoever writes them: what is told to many is encoded once. */
export type WatchNodesCall = ServerWritableStream<wire.WatchNodesRequest, Buffer>;

export interface NodeWatcherDependencies {
  readonly call: WatchNodesCall;
  readonly roster: Roster;
  readonly events: NodeEvents;
  readonly timers: Timers;
  readonly mapError: ErrorMapper;
}

export interface NodeWatcherOptions {
  /** Milliseconds between news of what nodes have and how full they are. */
  readonly pace: number;
  /** Milliseconds for which the client may read nothing of what is sent. */
  readonly maxStall: number;
  /** Milliseconds to wait for the nodes to be known at all. */
  readonly maxWait: number;
}

/** Milliseconds after which it is worth watching again. */
const PAUSE = 1000;

/**
 * One call of WatchNodes. What waits to be told is names, once each: a client that reads slowly is told how a node is
 * when it reads, and not how it was in between. So no more can wait than there are nodes.
 */
export class NodeWatcher {
  readonly #deps: NodeWatcherDependencies;
  readonly #options: NodeWatcherOptions;
  readonly #holdings: boolean;
  /** Nodes to tell of now, in this order. */
  readonly #due = new Set<string>();
  /** Nodes to tell of with the next beat. */
  readonly #later = new Set<string>();
  /** Nodes that the client believes to be there. */
  readonly #told = new Set<string>();
  #beat: Timer | undefined;
  #over = false;
  #slow = false;
  /** Ends what is waited for, whatever it is. */
  #release: () => void = nothing;
  /** Ends the wait for a change. */
  #wake: () => void = nothing;

  constructor(dependencies: NodeWatcherDependencies, options: NodeWatcherOptions) {
    this.#deps = dependencies;
    this.#options = options;
    this.#holdings = dependencies.call.request.holdings;
  }

  /** Whether it was ended because the client did not read. */
  get slow(): boolean {
    return this.#slow;
  }

  /** Fulfilled when the call is over, whyever. */
  async run(): Promise<void> {
    const { call, roster, timers } = this.#deps;
    call.once('cancelled', () => this.#stop());
    if (call.cancelled) this.#stop();
    const unfollow = roster.follow((change) => this.#note(change));
    try {
      await whenKnown(roster, timers, this.#options.maxWait);
      for (const { name } of roster.nodes()) this.#due.add(name);
      // What changes meanwhile goes behind what is there.
      for (let left = this.#due.size; left > 0; left--) await this.#tellNext();
      await this.#write(SYNCED);
      while (!this.#over) {
        if (this.#due.size > 0) await this.#tellNext();
        else await this.#pause((done) => this.#waitForChange(done));
      }
    } catch (error) {
      this.end(error);
    } finally {
      unfollow();
      this.#beat?.cancel();
    }
  }

  /** Ends the call with a status. */
  end(error: unknown): void {
    if (this.#over) return;
    const { call, mapError } = this.#deps;
    this.#stop();
    call.emit('error', toServiceError(error, mapError));
  }

  #stop(): void {
    this.#over = true;
    this.#release();
  }

  #note(change: RosterChange): void {
    if (this.#over) return;
    if (change.type === 'gone') this.#tellSoon(change.name);
    else if (change.news === 'standing') this.#tellSoon(change.node.name);
    else if (change.news === 'usage' || this.#holdings) this.#tellLater(change.node.name);
  }

  #tellSoon(name: string): void {
    this.#due.add(name);
    this.#wake();
  }

  #tellLater(name: string): void {
    if (this.#due.has(name)) return;
    this.#later.add(name);
    this.#beat ??= this.#deps.timers.after(this.#options.pace, () => {
      this.#beat = undefined;
      for (const one of this.#later) this.#due.add(one);
      this.#later.clear();
      this.#wake();
    });
  }

  async #tellNext(): Promise<void> {
    const [name] = this.#due;
    if (name === undefined || this.#over) return;
    this.#due.delete(name);
    this.#later.delete(name);
    const node = this.#deps.roster.get(name);
    if (node !== undefined) {
      this.#told.add(name);
      await this.#write(this.#deps.events.of(node, this.#holdings));
    } else if (this.#told.delete(name)) await this.#write(goneEvent(name));
  }

  /** Fulfilled when the message has gone out, which it does as the client reads; or the call is over. */
  #write(message: Buffer): Promise<void> {
    const { call, timers } = this.#deps;
    return this.#pause((done) => {
      call.write(message, done);
      return timers.after(this.#options.maxStall, () => this.#endSlow());
    });
  }

  #endSlow(): void {
    this.#slow = true;
    this.end(new StatusError('ABORTED', 'what is told is not read here: watch again', { retryAfter: PAUSE }));
  }

  #waitForChange(done: () => void): undefined {
    this.#wake = done;
  }

  /** Fulfilled when `start`'s callback is called, or the call is over. The timer that it returns is cancelled then. */
  #pause(start: (done: () => void) => Timer | undefined): Promise<void> {
    if (this.#over) return Promise.resolve();
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const done = (): void => {
        timer?.cancel();
        resolve();
      };
      this.#release = done;
      timer = start(done);
    });
  }
}

function nothing(): void {}
