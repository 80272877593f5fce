import type { Timers } from '@pixtorrent/core';
import { PeerStoreError } from '../errors.ts';
import { NONE } from './due-order.ts';
import { Labels } from './labels.ts';
import { memberAt } from './members.ts';
import type { MemberChange, StoredPeer, SwarmTotals } from './peer-store.ts';
import { PeerTable, type TableShare } from './peer-table.ts';
import { Slabs } from './slabs.ts';
import { SortedKeys } from './sorted-keys.ts';
import { Swarm } from './swarm.ts';
import { Sweep } from './sweep.ts';
import { Watchers } from './watchers.ts';

/** Something that a peer has said, now or a while ago. */
export type Statement = Omit<StoredPeer, 'age'>;

export interface MemorySwarmsDependencies {
  readonly timers: Timers;
  /** Whole milliseconds. @throws where nothing may be done any more */
  readonly now: () => number;
  /** Of the tables' hash. */
  readonly seed: number;
}

export interface MemorySwarmsLimits {
  /** Milliseconds for which a peer stays. */
  readonly timeToLive: number;
  readonly maxPeers: number;
  readonly maxSwarms: number;
}

/**
 * Who is in which swarm, within bounds. Who comes and goes is noted for whoever watches, and told by `tell`. Each swarm is
 * looked at when it is asked for, and every five seconds at least. Keys are info hashes, read as latin1.
 */
export class MemorySwarms {
  readonly #now: () => number;
  readonly #limits: MemorySwarmsLimits;
  readonly #share: TableShare;
  readonly #swarms = new Map<string, Swarm>();
  readonly #keys = new SortedKeys();
  readonly #watchers = new Watchers();
  readonly #sweep: Sweep<Swarm>;
  #peers = 0;
  #leechers = 0;
  #completed = 0;

  constructor({ timers, now, seed }: MemorySwarmsDependencies, limits: MemorySwarmsLimits) {
    this.#now = now;
    this.#limits = limits;
    this.#share = { seed, labels: new Labels(), slabs: new Slabs() };
    this.#sweep = new Sweep(timers, this.#swarms, (swarms) => this.#lookAt(swarms));
  }

  get totals(): SwarmTotals {
    const seeders = this.#peers - this.#leechers;
    return { swarms: this.#swarms.size, seeders, leechers: this.#leechers, completed: this.#completed };
  }

  /** Those that are there, and those that come meanwhile. */
  values(): Iterable<Swarm> {
    return this.#swarms.values();
  }

  /** The first key behind `key`, which need not be one. */
  keyAfter(key: string): string | undefined {
    return this.#keys.after(key);
  }

  /** A swarm with those in it who are there now. */
  find(key: string, now: number): Swarm | undefined {
    const swarm = this.#swarms.get(key);
    if (swarm === undefined) return undefined;
    if (swarm.expires <= now && !swarm.watched) {
      this.#drop(swarm);
      return undefined;
    }
    if (swarm.soonest <= now) this.#expire(swarm, now);
    if (swarm.expires > now) return swarm;
    this.#drop(swarm);
    return undefined;
  }

  /** Adds a swarm that is not there. @throws PeerStoreError `full` */
  add(key: string, firstSeen: number): Swarm {
    const { maxSwarms, maxPeers, timeToLive } = this.#limits;
    if (this.#swarms.size >= maxSwarms || this.#peers >= maxPeers)
      throw new PeerStoreError('full', 'this tracker has no room for more torrents');
    const swarm = new Swarm(key, firstSeen, Math.floor(firstSeen + timeToLive), this.#watchers.has(key));
    this.#swarms.set(key, swarm);
    this.#keys.add(key);
    this.#sweep.start();
    return swarm;
  }

  /**
   * Does as a peer says.
   * @param endpoint the peer's, in words @returns whether it is a seed now and was none before
   * @throws PeerStoreError `full`
   */
  place(swarm: Swarm, peer: Statement, endpoint: Int32Array, expires: number): boolean {
    const table = swarm.table(peer.address.length);
    const slot = table?.find(endpoint) ?? NONE;
    const seed = peer.role === 'seed';
    const becomesSeed = seed && (slot === NONE || !table!.isSeed(slot));
    if (slot !== NONE && peer.role !== 'gone' && table!.isSeed(slot) === seed) {
      table!.refresh(slot, peer, expires);
    } else {
      if (slot !== NONE) this.#remove(swarm, table!, slot, peer.role === 'gone');
      if (peer.role !== 'gone') this.#add(swarm, table, peer, endpoint, expires);
    }
    return becomesSeed;
  }

  countCompleted(swarm: Swarm): void {
    swarm.completed++;
    this.#completed++;
  }

  /** As `PeerStore.watch`. */
  watch(key: string, listener: (change: MemberChange) => void): () => void {
    const swarm = this.#swarms.get(key);
    if (swarm !== undefined) swarm.watched = true;
    return this.#watchers.watch(key, listener);
  }

  /** Tells who watches what has been noted. */
  tell(): void {
    this.#watchers.tell();
  }

  close(): void {
    this.#sweep.close();
    this.#watchers.clear();
    this.#swarms.clear();
    this.#keys.clear();
  }

  #drop(swarm: Swarm): void {
    this.#swarms.delete(swarm.key);
    this.#keys.delete(swarm.key);
    this.#completed -= swarm.completed;
    this.#leechers -= swarm.leechers;
    this.#peers -= swarm.leechers + swarm.seeders;
    swarm.v4?.release();
    swarm.v6?.release();
  }

  #lookAt(swarms: Iterable<Swarm>): void {
    const now = this.#now();
    for (const { key } of swarms) this.find(key, now);
    this.tell();
  }

  #add(
    swarm: Swarm,
    known: PeerTable | undefined,
    peer: Statement,
    endpoint: Int32Array,
    expires: number,
  ): void {
    if (this.#peers >= this.#limits.maxPeers)
      throw new PeerStoreError('full', 'this tracker has no room for more peers');
    const table = known ?? new PeerTable(peer.address.length, this.#share);
    if (known === undefined) swarm.setTable(peer.address.length, table);
    const seed = peer.role === 'seed';
    table.add(endpoint, peer, seed, expires);
    swarm.soonest = Math.min(swarm.soonest, expires);
    this.#peers++;
    if (!seed) this.#leechers++;
    if (!swarm.watched) return;
    const { peerId, address, port, pixwire } = peer;
    const change = { type: 'joined', peerId, address, port, seed, pixwire } as const;
    swarm.watched = this.#watchers.note(swarm.key, change);
  }

  #remove(swarm: Swarm, table: PeerTable, slot: number, tell: boolean): void {
    if (swarm.watched && tell) {
      const { peerId, address, port, role, pixwire } = memberAt(table, slot);
      const change = { type: 'left', peerId, address, port, seed: role === 'seed', pixwire } as const;
      swarm.watched = this.#watchers.note(swarm.key, change);
    }
    if (!table.isSeed(slot)) this.#leechers--;
    this.#peers--;
    table.remove(slot);
  }

  #expire(swarm: Swarm, now: number): void {
    // Who comes from now on is due later, unless it is restored.
    let soonest = Math.floor(now + this.#limits.timeToLive);
    for (const table of [swarm.v4, swarm.v6]) {
      if (table === undefined) continue;
      let slot = table.oldest;
      for (; slot !== NONE && table.dueIn(slot, now) <= 0; slot = table.oldest)
        this.#remove(swarm, table, slot, true);
      if (slot !== NONE) soonest = Math.min(soonest, now + table.dueIn(slot, now));
    }
    swarm.soonest = soonest;
  }
}
