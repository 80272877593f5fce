import { createHash } from 'node:crypto';
import type { ClusterNode } from './cluster-node.ts';

/** What decides whether a node has a place. */
export type Candidate = Pick<ClusterNode, 'name' | 'state' | 'zone' | 'diskUsed'>;

/**
 * Which nodes are to hold an entry of the catalogue: by rendezvous hashing (Thaler and Ravishankar, 1998), so that
 * whoever knows the same nodes comes to the same answer, and a node that comes or goes moves only its own share.
 *
 * Nodes that are ready have a place. One that is starting has it if there is content on its disk: it was here before, and
 * to fetch its share elsewhere only to drop it a moment later costs more than to wait. One that is draining has none, nor
 * has one that is starting with an empty disk: it gets its place, and its work, when it is ready.
 *
 * Zones come first: no zone is given a second copy before each has one. Where zones differ in size, the nodes of the
 * small ones hold more. Nodes whose zone is unknown are one zone.
 *
 * The hashes are part of what nodes agree on: to change them is to move everything.
 */
export class Placement {
  /** In the order of code units. */
  readonly #names: readonly string[];
  readonly #members: ReadonlySet<string>;
  /** Two numbers of 32 bits of each. */
  readonly #hashes: Uint32Array;
  /** The number of the zone of each. */
  readonly #zones: Uint32Array;
  readonly #zoneCount: number;
  readonly #scores: Uint32Array;

  constructor(nodes: Iterable<Candidate>) {
    const placed = [...nodes].filter(hasPlace).sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#names = placed.map(({ name }) => name);
    this.#members = new Set(this.#names);
    this.#hashes = new Uint32Array(2 * placed.length);
    this.#zones = new Uint32Array(placed.length);
    this.#scores = new Uint32Array(placed.length);
    const zones = new Map<string, number>();
    for (const [i, { name, zone }] of placed.entries()) {
      [this.#hashes[2 * i], this.#hashes[2 * i + 1]] = hashOf(name);
      if (!zones.has(zone)) zones.set(zone, zones.size);
      this.#zones[i] = zones.get(zone)!;
    }
    this.#zoneCount = zones.size;
  }

  /** Nodes that have a place. */
  get size(): number {
    return this.#names.length;
  }

  /**
   * The names of the nodes that are to hold an entry; fewer than `replicas` where there are fewer.
   * @param entryName without its version: all versions are in the same places
   */
  holders(entryName: string, replicas: number | 'all'): readonly string[] {
    if (replicas === 'all' || replicas >= this.#names.length) return this.#names;
    this.#score(entryName);
    const byZone = this.#bestByZone(replicas);
    const chosen: number[] = [];
    for (let turn = 0; chosen.length < replicas; turn++) {
      const next = byZone.flatMap((best) => best[turn] ?? []);
      chosen.push(...next.sort(this.#better).slice(0, replicas - chosen.length));
    }
    return chosen.map((i) => this.#names[i]!);
  }

  /** Whether the node is among the holders of an entry. */
  shouldHold(entryName: string, replicas: number | 'all', node: string): boolean {
    if (!this.#members.has(node)) return false;
    return replicas === 'all' || this.holders(entryName, replicas).includes(node);
  }

  #score(entryName: string): void {
    const [high, low] = hashOf(entryName);
    for (let i = 0; i < this.#scores.length; i++)
      this.#scores[i] = mixed(mixed(this.#hashes[2 * i]! ^ high) ^ this.#hashes[2 * i + 1]! ^ low);
  }

  /** Of each zone its best nodes, best first. */
  #bestByZone(most: number): number[][] {
    const zones: number[][] = Array.from({ length: this.#zoneCount }, () => []);
    for (let i = 0; i < this.#names.length; i++) {
      const best = zones[this.#zones[i]!]!;
      if (best.length === most && this.#better(best[most - 1]!, i) < 0) continue;
      let at = best.length;
      while (at > 0 && this.#better(i, best[at - 1]!) < 0) at--;
      best.splice(at, 0, i);
      if (best.length > most) best.pop();
    }
    return zones;
  }

  readonly #better = (a: number, b: number): number => this.#scores[b]! - this.#scores[a]! || a - b;
}

function hasPlace({ state, diskUsed }: Candidate): boolean {
  return state === 'ready' || (state === 'starting' && diskUsed > 0);
}

/** The first 64 bits of its SHA-1. */
function hashOf(name: string): [number, number] {
  const digest = createHash('sha1').update(name).digest();
  return [digest.readUInt32BE(0), digest.readUInt32BE(4)];
}

/** The finaliser of MurmurHash3 (Appleby): each bit of the input turns half of the output's. */
function mixed(input: number): number {
  let bits = input;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
