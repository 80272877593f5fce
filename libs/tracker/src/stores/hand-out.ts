import { ID_LENGTH, type Random } from '@pixtorrent/core';
import type { PackedPeers } from '@pixtorrent/tracker-protocol';
import { NONE } from './due-order.ts';
import type { PeerAnnounce } from './peer-store.ts';
import type { PeerTable } from './peer-table.ts';
import { idWords } from './words.ts';

/** What the hand-out wants to know of an announce. */
type Asker = Pick<PeerAnnounce, 'peerId' | 'role' | 'zone' | 'node' | 'numWant' | 'details' | 'stalledWith'>;

/** Words of an endpoint over IPv4. */
const V4_WORDS = 2;
const NO_SLOTS: readonly number[] = [];
const NOTHING = new Uint8Array(0);
export const NO_PEERS: PackedPeers = { v4: NOTHING, v6: NOTHING, ids: NOTHING, traits: NOTHING };

/** Slots that a walk passes over in vain, at the most; only who shares a peer ID with so many gets fewer than there are. */
const MAX_MISSES = 1000;

/**
 * Picks the peers that an asker wants: from `first`, and what that lacks from `second`. Takes time in the number picked
 * only.
 * @param endpoint the asker's, in words
 */
export function handOut(
  first: PeerTable | undefined,
  second: PeerTable | undefined,
  asker: Asker,
  endpoint: Int32Array,
  random: Random,
): PackedPeers {
  const want = asker.numWant;
  if (want <= 0) return NO_PEERS;
  const own = pick(first, asker, endpoint, want, random);
  const rest = want - (own?.count ?? 0);
  const other = rest > 0 ? pick(second, asker, endpoint, rest, random) : undefined;
  if (asker.stalledWith !== undefined) {
    own?.takeStalled(rest - (other?.count ?? 0));
    other?.takeStalled(want - (own?.count ?? 0) - other.count);
  }
  const [v4, v6] = endpoint.length === V4_WORDS ? [own, other] : [other, own];
  return {
    v4: v4?.endpoints ?? NOTHING,
    v6: v6?.endpoints ?? NOTHING,
    ids: join(v4?.ids, v6?.ids),
    traits: join(v4?.traits, v6?.traits),
  };
}

function pick(
  table: PeerTable | undefined,
  asker: Asker,
  endpoint: Int32Array,
  want: number,
  random: Random,
): Picks | undefined {
  const forSeed = asker.role === 'seed';
  const size = table === undefined ? 0 : forSeed ? table.leechers : table.count;
  if (table === undefined || size === 0) return undefined;
  const picks = new Picks(table, asker, endpoint, Math.min(want, size), random);
  const near = table.neighbourhoods;
  if (near !== undefined) {
    near.startPicking();
    if (asker.stalledWith === undefined) {
      const half = want >> 1;
      for (const nearness of ['node', 'zone'] as const) {
        const name = asker[nearness];
        if (name === '') continue;
        const leechers = near.find(nearness, name, false);
        picks.walkNear(leechers, forSeed ? NO_SLOTS : near.find(nearness, name, true), half);
      }
    }
  }
  picks.walkAll(size);
  return picks;
}

/** The peers of one table that an asker gets. */
class Picks {
  count = 0;
  readonly #table: PeerTable;
  readonly #asker: Asker;
  readonly #most: number;
  readonly #random: Random;
  readonly #self: number;
  readonly #id: Int32Array;
  readonly #endpointLength: number;
  readonly #endpoints: Uint8Array;
  readonly #ids: Uint8Array;
  readonly #traits: Uint8Array;
  readonly #stalled: number[] = [];

  constructor(table: PeerTable, asker: Asker, endpoint: Int32Array, most: number, random: Random) {
    this.#table = table;
    this.#asker = asker;
    this.#most = most;
    this.#random = random;
    this.#self = table.width === endpoint.length ? table.find(endpoint) : NONE;
    this.#id = idWords(asker.peerId);
    this.#endpointLength = table.width * 4 - 2;
    this.#endpoints = Buffer.allocUnsafe(most * this.#endpointLength);
    this.#ids = asker.details ? Buffer.allocUnsafe(most * ID_LENGTH) : NOTHING;
    this.#traits = asker.details ? Buffer.allocUnsafe(most) : NOTHING;
  }

  get endpoints(): Uint8Array {
    return cut(this.#endpoints, this.count * this.#endpointLength);
  }

  get ids(): Uint8Array {
    return cut(this.#ids, this.#asker.details ? this.count * ID_LENGTH : 0);
  }

  get traits(): Uint8Array {
    return cut(this.#traits, this.#asker.details ? this.count : 0);
  }

  /** Takes of those in two lists together until there are `until`. */
  walkNear(leechers: readonly number[], seeds: readonly number[], until: number): void {
    const slotAt = (at: number) => (at < leechers.length ? leechers[at]! : seeds[at - leechers.length]!);
    this.#walk(leechers.length + seeds.length, Math.min(until, this.#most), slotAt);
  }

  walkAll(size: number): void {
    this.#walk(size, this.#most, undefined);
  }

  /** Takes up to `room` of those that the asker is stalled with. */
  takeStalled(room: number): void {
    for (let i = 0; i < room && i < this.#stalled.length; i++) this.#take(this.#stalled[i]!);
  }

  /**
   * A walk over `size` slots from a random one by a random step that has no divisor in common with their number: it
   * comes to each once, and each is as likely as any other.
   */
  #walk(size: number, until: number, slotAt: ((at: number) => number) | undefined): void {
    if (size === 0 || this.count >= until) return;
    const step = stepThrough(size, this.#random);
    let at = this.#random.below(size);
    for (let visits = Math.min(size, until + MAX_MISSES); visits > 0 && this.count < until; visits--) {
      const slot = slotAt === undefined ? at : slotAt(at);
      if (this.#suits(slot)) this.#take(slot);
      at += step;
      if (at >= size) at -= size;
    }
  }

  #suits(slot: number): boolean {
    if (slot === this.#self || this.#table.hasId(slot, this.#id)) return false;
    if (this.#table.neighbourhoods?.isPicked(slot) === true) return false;
    if (this.#asker.stalledWith === undefined || !this.#isStalled(slot)) return true;
    if (this.#stalled.length < this.#most) this.#stalled.push(slot);
    return false;
  }

  #isStalled(slot: number): boolean {
    const endpoint = Buffer.allocUnsafe(this.#endpointLength);
    this.#table.copyEndpoint(slot, endpoint, 0);
    return this.#asker.stalledWith!.has(endpoint.toString('latin1'));
  }

  #take(slot: number): void {
    const table = this.#table;
    table.copyEndpoint(slot, this.#endpoints, this.count * this.#endpointLength);
    if (this.#asker.details) {
      table.copyId(slot, this.#ids, this.count * ID_LENGTH);
      this.#traits[this.count] = table.traits(slot);
    }
    table.neighbourhoods?.pick(slot);
    this.count++;
  }
}

/** Most answers are as long as they were thought to become. */
function cut(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.length === length ? bytes : bytes.subarray(0, length);
}

function join(first: Uint8Array | undefined, second: Uint8Array | undefined): Uint8Array {
  if (second === undefined || second.length === 0) return first ?? NOTHING;
  return first === undefined || first.length === 0 ? second : Buffer.concat([first, second]);
}

function stepThrough(size: number, random: Random): number {
  if (size < 3) return 1;
  let step = 1 + random.below(size - 1);
  while (greatestDivisor(step, size) !== 1) step = step === size - 1 ? 1 : step + 1;
  return step;
}

function greatestDivisor(a: number, b: number): number {
  let x = a;
  let y = b;
  while (y !== 0) {
    const rest = x % y;
    x = y;
    y = rest;
  }
  return x;
}
