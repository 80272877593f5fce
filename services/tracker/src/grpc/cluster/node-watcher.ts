import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Roster, RosterChange } from '@pixtorrent/cluster';
import type { cluster as wire } from '@pixtorrent/contracts';
import type { Timer, Timers } from '@pixtorrent/core';
import { type ErrorMapper, ToldCall } from '@pixtorrent/service-kit';
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

/**
 * One call of WatchNodes. What waits to be told is names, once each: a client that reads slowly is told how a node is
 * when it reads, and not how it was in between. So no more can wait than there are nodes.
 */
export class NodeWatcher {
  readonly #deps: NodeWatcherDependencies;
  readonly #options: NodeWatcherOptions;
  readonly #call: ToldCall<Buffer>;
  readonly #holdings: boolean;
  /** Nodes to tell of now, in this order. */
  readonly #due = new Set<string>();
  /** Nodes to tell of with the next beat. */
  readonly #later = new Set<string>();
  /** Nodes that the client believes to be there. */
  readonly #told = new Set<string>();
  #beat: Timer | undefined;
  /** Ends the wait for a change. */
  #wake: () => void = () => {};

  constructor(dependencies: NodeWatcherDependencies, options: NodeWatcherOptions) {
    this.#deps = dependencies;
    this.#options = options;
    this.#call = new ToldCall(dependencies, options.maxStall);
    this.#holdings = dependencies.call.request.holdings;
  }

  /** Whether it was ended because the client did not read. */
  get slow(): boolean {
    return this.#call.slow;
  }

  async run(): Promise<void> {
    const unfollow = this.#deps.roster.follow((change) => this.#note(change));
    await this.#call.run(() => this.#tellOn());
    unfollow();
    this.#beat?.cancel();
  }

  end(error: unknown): void {
    this.#call.end(error);
  }

  async #tellOn(): Promise<void> {
    const { roster, timers } = this.#deps;
    await whenKnown(roster, timers, this.#options.maxWait);
    for (const { name } of roster.nodes()) this.#due.add(name);
    // What changes meanwhile goes behind what is there.
    for (let left = this.#due.size; left > 0; left--) await this.#tellNext();
    await this.#call.write(SYNCED);
    while (!this.#call.over) {
      if (this.#due.size > 0) await this.#tellNext();
      else await this.#call.pause((done) => this.#waitForChange(done));
    }
  }

  #note(change: RosterChange): void {
    if (this.#call.over) return;
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
    if (name === undefined || this.#call.over) return;
    this.#due.delete(name);
    this.#later.delete(name);
    const node = this.#deps.roster.get(name);
    if (node !== undefined) {
      this.#told.add(name);
      await this.#call.write(this.#deps.events.of(node, this.#holdings));
    } else if (this.#told.delete(name)) await this.#call.write(goneEvent(name));
  }

  #waitForChange(done: () => void): undefined {
    this.#wake = done;
  }
}
