/** A torrent that is on this node's disk. */
export interface Held {
  /** Bytes that it takes when it is whole. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly lastUsed: number;
  /** The catalogue wants it here, or somebody asked this node for it. */
  readonly wanted: boolean;
  /** Another node that will stay has all of it. */
  readonly elsewhere: boolean;
}

/** A torrent that should be here and is not. */
export interface Missing {
  readonly size: number;
  /** Milliseconds since 1970; the oldest comes first. */
  readonly published: number;
}

/** What is to be done, by info hash in hexadecimal. */
export interface Plan {
  /** In the order in which they are to go. */
  readonly evict: readonly string[];
  /** In the order in which they are to be taken. */
  readonly take: readonly string[];
  /** There is no room for these: everything that could go for them is wanted here, or is nowhere else. */
  readonly waiting: readonly string[];
}

/**
 * Which torrents to take and which to let go within a budget of bytes. What is wanted here never goes, nor what no
 * other node has whole; of the rest the least recently used goes first, and only where room is needed.
 */
export function plan(
  held: ReadonlyMap<string, Held>,
  missing: ReadonlyMap<string, Missing>,
  budget: number,
): Plan {
  let free = budget;
  for (const { size } of held.values()) free -= size;
  const spare = [...held]
    .filter(([, { wanted, elsewhere }]) => !wanted && elsewhere)
    .sort(([a, one], [b, other]) => one.lastUsed - other.lastUsed || compare(a, b));
  const evict: string[] = [];
  // The budget was made smaller.
  while (free < 0 && spare.length > 0) {
    const [gone, { size }] = spare.shift()!;
    evict.push(gone);
    free += size;
  }
  const take: string[] = [];
  const waiting: string[] = [];
  const inTurn = [...missing].sort(
    ([a, one], [b, other]) => one.published - other.published || compare(a, b),
  );
  for (const [hash, { size }] of inTurn) {
    let count = 0;
    let room = free;
    while (room < size && count < spare.length) room += spare[count++]![1].size;
    if (room < size) {
      waiting.push(hash);
      continue;
    }
    for (const [gone] of spare.splice(0, count)) evict.push(gone);
    free = room - size;
    take.push(hash);
  }
  return { evict, take, waiting };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
