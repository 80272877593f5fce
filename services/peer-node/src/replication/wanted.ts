import { Placement } from '@pixtorrent/cluster';
import { cluster } from '@pixtorrent/contracts';
import { type InfoHash, sameBytes, toHex } from '@pixtorrent/core';
import type { KnownEntry } from '../content/entry-record.ts';

const STATES = { 1: 'starting', 2: 'ready', 3: 'draining' } as const;

/** What the nodes that are there should hold, and what they hold. */
export class Wanted {
  readonly #self: string;
  readonly #nodes: ReadonlyMap<string, cluster.Node>;
  readonly #placement: Placement;

  /** @param nodes by name; `self` among them, as it is now */
  constructor(self: string, nodes: ReadonlyMap<string, cluster.Node>) {
    this.#self = self;
    this.#nodes = nodes;
    const candidates = [...nodes.values()].flatMap(({ name, state, zone, diskUsed }) => {
      const known = STATES[state as keyof typeof STATES];
      return known === undefined ? [] : [{ name, state: known, zone, diskUsed }];
    });
    this.#placement = new Placement(candidates);
  }

  /** Whether this node is to hold an entry. */
  here({ name, replicas }: KnownEntry): boolean {
    return replicas === 'all' || this.#placement.shouldHold(name, replicas, this.#self);
  }

  /**
   * Whether another node that stays has all of a torrent, and keeps it whatever this one does: it is to hold one of
   * the entries, or its name comes first. So of two nodes that could do without it, one keeps it.
   */
  safeElsewhere(infoHash: InfoHash, entries: readonly KnownEntry[]): boolean {
    return this.#copiesElsewhere(infoHash, entries) > 0;
  }

  /** Whether as many such nodes have all of it as are to: before that its copy here is one of those that are wanted. */
  spareHere(infoHash: InfoHash, entries: readonly KnownEntry[]): boolean {
    const copies = entries.map(({ name, replicas }) => this.#placement.holders(name, replicas).length);
    return this.#copiesElsewhere(infoHash, entries) >= Math.max(1, ...copies);
  }

  #copiesElsewhere(infoHash: InfoHash, entries: readonly KnownEntry[]): number {
    const holders = new Set(entries.flatMap(({ name, replicas }) => this.#placement.holders(name, replicas)));
    let copies = 0;
    for (const node of this.#nodes.values()) {
      if (node.name === this.#self || node.state !== cluster.NodeState.NODE_STATE_READY) continue;
      if (!holders.has(node.name) && node.name > this.#self) continue;
      if (holdsWhole(node, infoHash)) copies++;
    }
    return copies;
  }
}

function holdsWhole({ holdings }: cluster.Node, infoHash: InfoHash): boolean {
  return holdings.some(
    (holding) => holding.have === holding.size && sameBytes(holding.infoHash, infoHash) && holding.size > 0,
  );
}

/** Entries by the info hash, in hexadecimal, of their torrents. */
export function byTorrent(entries: Iterable<KnownEntry>): Map<string, KnownEntry[]> {
  const found = new Map<string, KnownEntry[]>();
  for (const entry of entries) {
    const key = toHex(entry.infoHash);
    const siblings = found.get(key);
    if (siblings === undefined) found.set(key, [entry]);
    else siblings.push(entry);
  }
  return found;
}
