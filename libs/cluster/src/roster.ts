import { type Logger, printable, type Random, type Timer, type Timers } from '@pixtorrent/core';
import { type ClusterNode, type News, newsOf } from './cluster-node.ts';
import { ClusterError } from './errors.ts';
import type { Lease, NodeChange, NodeStore } from './node-store.ts';

export interface RosterDependencies {
  /** May be away for a while. It is not closed with this. */
  readonly store: Pick<NodeStore, 'put' | 'remove' | 'list' | 'watch'>;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
}

export interface RosterOptions {
  /**
   * Milliseconds for which a node is kept that the store no longer has, or that is put while the store is away.
   * @default 15,000
   */
  readonly goodFor?: number;
  /**
   * Nodes that are kept; more are refused while the store is away.
   * @default 10,000
   */
  readonly maxNodes?: number;
  /**
   * Milliseconds before the first attempt to read again; doubles with each that fails.
   * @default 100
   */
  readonly shortestPause?: number;
  /** @default 2,000 */
  readonly longestPause?: number;
}

export type RosterChange =
  | { readonly type: 'node'; readonly node: ClusterNode; readonly news: News }
  | { readonly type: 'gone'; readonly name: string };

/**
 * All nodes in memory, as they are in the store: read once, then followed, and read again whenever changes may have been
 * missed. While the store is away it goes by what it is told here: nodes that are put here live as long as they are put,
 * the others stay as they were last seen, for nothing can be known of them. When the store is back, whoever it no longer
 * has is given the time to come back before he is gone: a store that lost everything empties no cluster.
 */
export class Roster {
  readonly #store: RosterDependencies['store'];
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #options: Required<RosterOptions>;
  readonly #nodes = new Map<string, ClusterNode>();
  /** Nodes that are gone when their timers run out, unless they are heard of before. */
  readonly #doubtful = new Map<string, Timer>();
  /** Nodes that left while the store was away, and their holders: it has them still. */
  readonly #left = new Map<string, string>();
  readonly #listeners = new Set<(change: RosterChange) => void>();
  /** Names that the store has told of since a call to it began: newer than what the call brings. */
  readonly #calls = new Set<Set<string>>();
  readonly #unwatch: () => void;
  readonly #firstRead = Promise.withResolvers<void>();
  #state: 'resting' | 'reading' | 'reading, and again' | 'pausing' = 'resting';
  #ready = false;
  #failures = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor(dependencies: RosterDependencies, options: RosterOptions = {}) {
    this.#store = dependencies.store;
    this.#timers = dependencies.timers;
    this.#random = dependencies.random;
    this.#logger = dependencies.logger;
    this.#options = {
      goodFor: options.goodFor ?? 15_000,
      maxNodes: options.maxNodes ?? 10_000,
      shortestPause: options.shortestPause ?? 100,
      longestPause: options.longestPause ?? 2000,
    };
    this.#unwatch = this.#store.watch((change) => this.#hear(change));
    this.#read();
  }

  /** Milliseconds for which a node that is put is good. */
  get goodFor(): number {
    return this.#options.goodFor;
  }

  /** Whether everything has been read once. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Fulfilled when `ready` is true, or this is closed. */
  whenReady(): Promise<void> {
    return this.#firstRead.promise;
  }

  /** Whether the store does not answer, or has not yet: what is told may be old. */
  get stale(): boolean {
    return !this.#ready || this.#failures > 0;
  }

  get size(): number {
    return this.#nodes.size;
  }

  get(name: string): ClusterNode | undefined {
    return this.#nodes.get(name);
  }

  /** All that are known, in no order. */
  nodes(): IterableIterator<ClusterNode> {
    return this.#nodes.values();
  }

  /** Has `listener`, which does not throw, hear of each change of what is known. @returns what ends it */
  follow(listener: (change: RosterChange) => void): () => void {
    // Of its own, so that the same function can follow twice.
    const own = (change: RosterChange): void => listener(change);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /**
   * Puts a node into the store, or only here while that is away.
   * @returns whether the store has it
   * @throws ClusterError `full`, `replaced`
   */
  async put(node: ClusterNode, { holder, takesOver }: Omit<Lease, 'goodFor'>): Promise<boolean> {
    const { goodFor, maxNodes } = this.#options;
    try {
      const told = await this.#call(() => this.#store.put(node, { holder, takesOver, goodFor }));
      if (!told.has(node.name)) this.#set(node);
      return true;
    } catch (error) {
      if (!isAway(error)) throw error;
      const { name } = node;
      if (!this.#nodes.has(name) && this.#nodes.size >= maxNodes)
        throw new ClusterError('full', 'the cluster has no room for more nodes', { cause: error });
      this.#hasFailed(error);
      this.#set(node);
      this.#doubt(name);
      return false;
    }
  }

  /** Forgets a node at once, if `holder` has the name. @throws ClusterError */
  async remove(name: string, holder: string): Promise<void> {
    try {
      await this.#call(() => this.#store.remove(name, holder));
    } catch (error) {
      if (!isAway(error)) throw error;
      this.#hasFailed(error);
      if (this.#left.size < this.#options.maxNodes) this.#left.set(name, holder);
      this.#delete(name);
    }
  }

  close(): void {
    this.#closed = true;
    this.#unwatch();
    this.#timer?.cancel();
    for (const timer of this.#doubtful.values()) timer.cancel();
    this.#doubtful.clear();
    this.#firstRead.resolve();
  }

  #hear(change: NodeChange): void {
    if (this.#closed) return;
    if (change.type === 'lost') {
      this.#readAgain();
      return;
    }
    const name = change.type === 'node' ? change.node.name : change.name;
    for (const told of this.#calls) told.add(name);
    if (change.type === 'node') this.#set(change.node);
    else this.#delete(name);
  }

  /** @returns the names that were told of meanwhile */
  async #call(work: () => Promise<void>): Promise<Set<string>> {
    const told = new Set<string>();
    this.#calls.add(told);
    try {
      await work();
    } finally {
      this.#calls.delete(told);
    }
    return told;
  }

  #set(node: ClusterNode): void {
    if (this.#closed) return;
    const { name } = node;
    this.#left.delete(name);
    this.#trust(name);
    const before = this.#nodes.get(name);
    const news = newsOf(before, node);
    if (news === undefined) return;
    this.#nodes.set(name, node);
    this.#tell({ type: 'node', node, news });
  }

  #delete(name: string): void {
    this.#trust(name);
    if (this.#nodes.delete(name)) this.#tell({ type: 'gone', name });
  }

  #doubt(name: string): void {
    this.#trust(name);
    if (this.#closed) return;
    this.#doubtful.set(
      name,
      this.#timers.after(this.#options.goodFor, () => this.#delete(name)),
    );
  }

  #trust(name: string): void {
    this.#doubtful.get(name)?.cancel();
    this.#doubtful.delete(name);
  }

  #tell(change: RosterChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  /** resting -> reading; reading -> reading, and again. A pause ends as it would. */
  #readAgain(): void {
    if (this.#state === 'resting') this.#read();
    else if (this.#state === 'reading') this.#state = 'reading, and again';
  }

  /** resting | pausing -> reading -> resting | pausing */
  #read(): void {
    this.#timer?.cancel();
    this.#state = 'reading';
    this.#readAll().then(
      () => this.#hasRead(),
      (error: unknown) => {
        this.#state = 'resting';
        this.#hasFailed(error);
      },
    );
  }

  #hasRead(): void {
    if (this.#closed) return;
    const again = this.#state === 'reading, and again';
    if (this.#failures > 0) this.#logger.info('the store of nodes answers again');
    this.#failures = 0;
    this.#state = 'resting';
    this.#ready = true;
    this.#firstRead.resolve();
    if (again) this.#read();
  }

  /** resting -> pausing; reading -> reading, and again. A pause ends as it would. */
  #hasFailed(error: unknown): void {
    if (this.#state === 'reading') this.#state = 'reading, and again';
    if (this.#closed || this.#state !== 'resting') return;
    if (this.#failures === 0)
      this.#logger.warn('the store of nodes does not answer', { reason: printable(String(error)) });
    const { shortestPause, longestPause } = this.#options;
    const pause = Math.min(longestPause, shortestPause * 2 ** Math.min(this.#failures, 20));
    this.#failures++;
    this.#state = 'pausing';
    // By chance up to half less, so that many replicas do not come back in step.
    const delay = pause - this.#random.below(Math.ceil(pause / 2));
    this.#timer = this.#timers.after(delay, () => this.#read());
  }

  /** Takes over what the store lists, except where it has told more since. */
  async #readAll(): Promise<void> {
    for (const [name, holder] of this.#left) {
      await this.#store.remove(name, holder);
      if (this.#left.get(name) === holder) this.#left.delete(name);
    }
    let listed: ClusterNode[] = [];
    const told = await this.#call(async () => {
      listed = await this.#store.list();
    });
    if (this.#closed) return;
    const names = new Set(told);
    for (const node of listed) {
      names.add(node.name);
      if (!told.has(node.name)) this.#set(node);
    }
    for (const name of this.#nodes.keys())
      if (!names.has(name) && !this.#doubtful.has(name)) this.#doubt(name);
  }
}

function isAway(error: unknown): boolean {
  return error instanceof ClusterError && error.code === 'unavailable';
}
