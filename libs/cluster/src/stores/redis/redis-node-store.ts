import { type Logger, printable, type Timers } from '@pixtorrent/core';
import { ChangeFeed, runScript, type Script } from '@pixtorrent/redis';
import type { Cluster, Redis } from 'ioredis';
import { type ClusterLimits, withDefaults } from '../../cluster-limits.ts';
import type { ClusterNode } from '../../cluster-node.ts';
import { ClusterError } from '../../errors.ts';
import type { Lease, NodeChange, NodeStore } from '../../node-store.ts';
import { closed, type Refusal, refusal } from '../refusals.ts';
import { feedChannel, KEYS } from './keys.ts';
import { PUT, REMOVE, SWEEP } from './scripts.ts';
import { decodeNode, encodeNode } from './stored-node.ts';

export interface RedisNodeStoreDependencies {
  /**
   * Redis 7 or later. It is not closed with the store. How long it waits is how long the store waits: it has a
   * `commandTimeout` and no offline queue; a cluster's has `shardedSubscribers`.
   */
  readonly client: Redis | Cluster;
  readonly timers: Timers;
  readonly logger: Logger;
}

export interface RedisNodeStoreOptions extends ClusterLimits {
  /**
   * Milliseconds between looks for nodes whose time has run out, and for changes that were lost on their way. Only
   * those who watch look.
   * @default 1,000
   */
  readonly sweepInterval?: number;
  /**
   * Milliseconds without anybody's look after which the time of all nodes stood still.
   * @default 5,000
   */
  readonly longestPause?: number;
}

/** Nodes that are read in one step: Redis does nothing else meanwhile, and each has at most 800 KB. */
const STEP = 16;

/** The nodes in Redis, for all who use the same. */
export class RedisNodeStore implements NodeStore {
  readonly #dependencies: RedisNodeStoreDependencies;
  readonly #client: Redis | Cluster;
  readonly #limits: Required<ClusterLimits>;
  readonly #sweepInterval: number;
  readonly #longestPause: number;
  readonly #channel: string;
  readonly #listeners = new Set<(change: NodeChange) => void>();
  #feed: ChangeFeed | undefined;
  #closed = false;

  constructor(dependencies: RedisNodeStoreDependencies, options: RedisNodeStoreOptions = {}) {
    const { client } = dependencies;
    this.#dependencies = dependencies;
    this.#client = client;
    this.#limits = withDefaults(options);
    this.#sweepInterval = options.sweepInterval ?? 1000;
    this.#longestPause = options.longestPause ?? 5000;
    this.#channel = feedChannel(client.isCluster ? 0 : ((client as Redis).options.db ?? 0));
  }

  async put(node: ClusterNode, { holder, goodFor, takesOver }: Lease): Promise<void> {
    const { maxNodes, maxHoldings } = this.#limits;
    const { name } = node;
    const terms = [name, holder, takesOver ? '1' : '0', goodFor];
    const answer = await this.#run(PUT, [...terms, encodeNode(node), maxNodes, maxHoldings]);
    if (answer !== '') throw refusal(answer as Refusal, name);
  }

  async remove(name: string, holder: string): Promise<void> {
    await this.#run(REMOVE, [name, holder]);
  }

  async list(): Promise<ClusterNode[]> {
    await this.#run(SWEEP, []);
    const names = await this.#ask(() => this.#client.zrange(KEYS.expiry, '0', '-1'));
    const nodes: ClusterNode[] = [];
    for (let i = 0; i < names.length; i += STEP) {
      const some = names.slice(i, i + STEP);
      const values = await this.#ask(() => this.#client.hmget(KEYS.nodes, ...some));
      // What has gone since is told to whoever watches.
      for (const [j, value] of values.entries()) if (value !== null) nodes.push(decodeNode(some[j]!, value));
    }
    return nodes;
  }

  watch(listener: (change: NodeChange) => void): () => void {
    if (this.#closed) return () => {};
    // Of its own, so that the same function can watch twice.
    const own = (change: NodeChange): void => listener(change);
    this.#listeners.add(own);
    this.#feed ??= new ChangeFeed(
      this.#dependencies,
      {
        channel: this.#channel,
        count: async () => Number(await this.#run(SWEEP, [])),
        checkInterval: this.#sweepInterval,
      },
      {
        changed: (change) => this.#tell(decodeChange(change)),
        lost: () => this.#tell({ type: 'lost' }),
      },
    );
    return () => this.#listeners.delete(own);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    this.#feed?.close();
  }

  #tell(change: NodeChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #run(script: Script<keyof typeof KEYS>, args: readonly (string | number)[]): Promise<unknown> {
    const all = [this.#channel, this.#longestPause, ...args];
    return this.#ask(() => runScript(this.#client, script, KEYS, all));
  }

  /** @throws ClusterError where Redis does not do it */
  async #ask<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw closed();
    try {
      return await work();
    } catch (error) {
      const reason = printable(error instanceof Error ? error.message : String(error));
      if (reason.startsWith('OOM'))
        throw new ClusterError('full', 'the store of nodes is out of memory', { cause: error });
      throw new ClusterError('unavailable', `the store of nodes does not answer: ${reason}`, {
        cause: error,
      });
    }
  }
}

/** @param change `+` or `-`, name, line feed, node */
function decodeChange(change: string): NodeChange {
  try {
    const end = change.indexOf('\n');
    const name = change.slice(1, end);
    if (change.startsWith('-')) return { type: 'gone', name };
    return { type: 'node', node: decodeNode(name, change.slice(end + 1)) };
  } catch {
    // Somebody else uses the channel: what is in the store counts.
    return { type: 'lost' };
  }
}
