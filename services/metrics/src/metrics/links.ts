import { toHex } from '@pixtorrent/core';
import type { NodeReport } from '@pixtorrent/swarm-health';
import { fairShares } from './fair-shares.ts';

/** Links that are kept apart, of all swarms; what goes by others is counted together. */
const MAX_LINKS = 20_000;

/** Who sent how much of a torrent to whom. */
export interface Link {
  /** Name of a node, or HOST:PORT. */
  readonly from: string;
  /** Name of the node that told of it. */
  readonly to: string;
  /** Since it was first heard of. */
  readonly bytes: number;
}

export interface ToldLinks {
  readonly links: readonly Link[];
  /** Bytes that went by links while those were not told one by one: this never goes back. */
  readonly others: number;
}

interface OwnLink extends Link {
  bytes: number;
  isTold: boolean;
}

/** By who got it, then by who sent it. */
interface SwarmLinks {
  readonly links: Map<string, Map<string, OwnLink>>;
  count: number;
  others: number;
}

/** What nodes got from whom, as they report it: each byte is counted where it came. */
export class Links {
  readonly #most: number;
  readonly #maxLinks: number;
  /** By the hexadecimal info hash. */
  readonly #swarms = new Map<string, SwarmLinks>();
  #count = 0;

  /** @param most links that are told one by one, of all swarms together */
  constructor(most: number, maxLinks = MAX_LINKS) {
    this.#most = most;
    this.#maxLinks = maxLinks;
  }

  /** @param report one that was taken in */
  add({ node, torrents }: NodeReport): void {
    for (const { infoHash, peers } of torrents) {
      if (peers.every(({ received }) => received === 0)) continue;
      const swarm = this.#swarm(toHex(infoHash));
      if (swarm === undefined) continue;
      for (const { peer, received } of peers) if (received > 0) this.#move(swarm, peer, node, received);
    }
  }

  /**
   * Those that most went by, of the swarms that are named.
   * @param followed whether a swarm is followed still: links of others are forgotten
   */
  told(names: readonly string[], followed: (name: string) => boolean): ReadonlyMap<string, ToldLinks> {
    for (const [name, { count }] of this.#swarms)
      if (!followed(name)) {
        this.#swarms.delete(name);
        this.#count -= count;
      }
    const named = new Set(names);
    const swarms = [...this.#swarms];
    const shares = fairShares(
      swarms.map(([name, { count }]) => (named.has(name) ? count : 0)),
      this.#most,
    );
    return new Map(swarms.map(([name, swarm], n) => [name, tell(swarm, shares[n]!)]));
  }

  #swarm(name: string): SwarmLinks | undefined {
    let swarm = this.#swarms.get(name);
    if (swarm === undefined && this.#count < this.#maxLinks) {
      swarm = { links: new Map(), count: 0, others: 0 };
      this.#swarms.set(name, swarm);
    }
    return swarm;
  }

  #move(swarm: SwarmLinks, from: string, to: string, bytes: number): void {
    const link = swarm.links.get(to)?.get(from) ?? this.#open(swarm, from, to);
    if (link !== undefined) link.bytes += bytes;
    if (link?.isTold !== true) swarm.others += bytes;
  }

  #open(swarm: SwarmLinks, from: string, to: string): OwnLink | undefined {
    if (this.#count >= this.#maxLinks) return undefined;
    let sources = swarm.links.get(to);
    if (sources === undefined) {
      sources = new Map();
      swarm.links.set(to, sources);
    }
    // While there is room for all, all are told.
    const link = { from, to, bytes: 0, isTold: this.#count < this.#most };
    sources.set(from, link);
    swarm.count++;
    this.#count++;
    return link;
  }
}

function tell({ links, count, others }: SwarmLinks, share: number): ToldLinks {
  const all = [...links.values()].flatMap((sources) => [...sources.values()]);
  if (share < count) all.sort((a, b) => b.bytes - a.bytes);
  all.forEach((link, n) => {
    link.isTold = n < share;
  });
  return { links: all.slice(0, share), others };
}
