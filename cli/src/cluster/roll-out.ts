import { Placement } from '@pixtorrent/cluster';
import { type catalog, cluster } from '@pixtorrent/contracts';

/** How far a node is with one content. Bytes, bytes a second. */
export interface NodeShare {
  readonly node: string;
  readonly have: number;
  readonly size: number;
  readonly downRate: number;
  readonly upRate: number;
  readonly peers: number;
}

/** How far one version of a name has come. */
export interface RollOut {
  readonly name: string;
  readonly version: number;
  readonly infoHash: string;
  readonly size: number;
  readonly replicas: 'all' | number;
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly published: number;
  /** Nodes that should hold it, by name. */
  readonly wanted: readonly string[];
  /** Of those the ones that have all of it. */
  readonly whole: number;
  /** Bytes that those have, over the bytes that they should have: from 0 to 1. */
  readonly completion: number;
  /** Nodes that have all of it, whether they should or not. */
  readonly copies: number;
  /** Copies of the rarest piece, as far as a node sees. */
  readonly availability: number;
  /** Of every node that has something of it. */
  readonly shares: readonly NodeShare[];
}

const STATES: Readonly<Record<number, 'starting' | 'ready' | 'draining'>> = {
  [cluster.NodeState.NODE_STATE_STARTING]: 'starting',
  [cluster.NodeState.NODE_STATE_READY]: 'ready',
  [cluster.NodeState.NODE_STATE_DRAINING]: 'draining',
};

export function stateOf({ state }: cluster.Node): string {
  return STATES[state] ?? 'unknown';
}

export function rollOuts(entries: readonly catalog.Entry[], nodes: readonly cluster.Node[]): RollOut[] {
  const placement = new Placement(
    nodes.flatMap(({ name, state, zone, diskUsed }) => {
      const known = STATES[state];
      return known === undefined ? [] : [{ name, state: known, zone, diskUsed }];
    }),
  );
  return entries.map((entry) => rollOutOf(entry, nodes, placement));
}

function rollOutOf(entry: catalog.Entry, nodes: readonly cluster.Node[], placement: Placement): RollOut {
  const { name, version, size } = entry;
  const wish = entry.replicas?.wanted;
  const replicas = wish?.$case === 'count' ? wish.count : 'all';
  const shares: NodeShare[] = [];
  // Nodes that need nothing from each other part, and see only what they have themselves.
  let seen = 0;
  for (const node of nodes) {
    const holding = node.holdings.find(({ infoHash }) => entry.infoHash.equals(infoHash));
    if (holding === undefined) continue;
    const { have, downRate, upRate, peers, availability } = holding;
    seen = Math.max(seen, availability);
    shares.push({ node: node.name, have, size, downRate, upRate, peers });
  }
  const wanted = placement.holders(name, replicas);
  const wantedShares = shares.filter(({ node }) => wanted.includes(node));
  const copies = shares.filter(({ have }) => have === size).length;
  const bytes = wantedShares.reduce((sum, { have }) => sum + have, 0);
  return {
    name,
    version,
    infoHash: entry.infoHash.toString('hex'),
    size,
    replicas,
    labels: entry.labels,
    published: entry.publishedMs,
    wanted,
    whole: wantedShares.filter(({ have }) => have === size).length,
    completion: wanted.length === 0 ? 0 : bytes / (wanted.length * size),
    copies,
    availability: Math.max(copies, seen),
    shares,
  };
}
