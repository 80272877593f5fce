import type { Cluster, Redis } from 'ioredis';

/** Into how many parts the index of swarms is cut, by the first hexadecimal digit of the info hash. */
export const SHARDS = 16;

/**
 * Names of keys. All keys of a swarm begin with its `swarm` and lie on one node of a Redis Cluster, so do those of a
 * shard of the index. What comes after is said in `swarm-script.ts` and `index-scripts.ts`.
 */
export class Keys {
  readonly #prefix: string;

  constructor(client: Redis | Cluster) {
    const database = client.isCluster ? 0 : ((client as Redis).options.db ?? 0);
    // Channels know no databases, and are named like keys.
    this.#prefix = database === 0 ? 'pix' : `pix${database}`;
  }

  /** @param hex info hash */
  swarm(hex: string): string {
    return `${this.#prefix}:{${hex}}`;
  }

  /** Where changes in a swarm are told, by sharded publish/subscribe. */
  channel(hex: string): string {
    return `${this.swarm(hex)}:c`;
  }

  shard(shard: number): string {
    return `${this.#prefix}:swarms:{${shard.toString(16)}}`;
  }
}

/** @param hex info hash */
export function shardOf(hex: string): number {
  return Number.parseInt(hex[0]!, 16);
}
