import type { Timer, Timers } from '@pixtorrent/core';
import { type ClusterLimits, withDefaults } from '../cluster-limits.ts';
import { type ClusterNode, newsOf } from '../cluster-node.ts';
import type { Lease, NodeChange, NodeStore } from '../node-store.ts';
import { closed, refusal } from './refusals.ts';

export interface MemoryNodeStoreDependencies {
  readonly timers: Timers;
}

interface Kept {
  readonly node: ClusterNode;
  readonly holder: string;
  readonly expiry: Timer;
}

/** The nodes in the memory of this process; they go with it. */
export class MemoryNodeStore implements NodeStore {
  readonly #timers: Timers;
  readonly #limits: Required<ClusterLimits>;
  readonly #kept = new Map<string, Kept>();
  readonly #listeners = new Set<(change: NodeChange) => void>();
  #holdings = 0;
  #closed = false;

  constructor({ timers }: MemoryNodeStoreDependencies, limits: ClusterLimits = {}) {
    this.#timers = timers;
    this.#limits = withDefaults(limits);
  }

  async put(node: ClusterNode, { holder, goodFor, takesOver }: Lease): Promise<void> {
    this.#checkOpen();
    const { name, holdings } = node;
    const known = this.#kept.get(name);
    if (known !== undefined && known.holder !== holder && !takesOver) throw refusal('replaced', name);
    if (known === undefined && this.#kept.size >= this.#limits.maxNodes) throw refusal('nodes', name);
    const total = this.#holdings - (known?.node.holdings.length ?? 0) + holdings.length;
    if (total > this.#limits.maxHoldings) throw refusal('holdings', name);
    known?.expiry.cancel();
    this.#holdings = total;
    this.#kept.set(name, { node, holder, expiry: this.#timers.after(goodFor, () => this.#drop(name)) });
    if (newsOf(known?.node, node) !== undefined) this.#tell({ type: 'node', node });
  }

  async remove(name: string, holder: string): Promise<void> {
    this.#checkOpen();
    if (this.#kept.get(name)?.holder === holder) this.#drop(name);
  }

  async list(): Promise<ClusterNode[]> {
    this.#checkOpen();
    return Array.from(this.#kept.values(), ({ node }) => node);
  }

  watch(listener: (change: NodeChange) => void): () => void {
    // Of its own, so that the same function can watch twice.
    const own = (change: NodeChange): void => listener(change);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    for (const { expiry } of this.#kept.values()) expiry.cancel();
    this.#kept.clear();
  }

  #drop(name: string): void {
    const { node, expiry } = this.#kept.get(name)!;
    expiry.cancel();
    this.#kept.delete(name);
    this.#holdings -= node.holdings.length;
    this.#tell({ type: 'gone', name });
  }

  #tell(change: NodeChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #checkOpen(): void {
    if (this.#closed) throw closed();
  }
}
