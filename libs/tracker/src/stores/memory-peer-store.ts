import { type Clock, type InfoHash, infoHash, type Random, type Timers } from '@pixtorrent/core';
import { IPV4_LENGTH, IPV6_LENGTH, type PackedPeers, type ScrapeEntry } from '@pixtorrent/tracker-protocol';
import { PeerStoreError } from '../errors.ts';
import { handOut, NO_PEERS } from './hand-out.ts';
import { Labels } from './labels.ts';
import { endpointsOf, memberAt } from './members.ts';
import type {
  MemberChange,
  PeerAnnounce,
  PeerSelection,
  PeerStore,
  StoredPeer,
  SwarmFigures,
  SwarmTotals,
} from './peer-store.ts';
import { NONE, PeerTable } from './peer-table.ts';
import { SortedKeys } from './sorted-keys.ts';
import { Swarm } from './swarm.ts';
import { Sweep } from './sweep.ts';
import { Watchers } from './watchers.ts';
import { endpointWords } from './words.ts';

export interface MemoryPeerStoreDependencies {
  readonly clock: Clock;
  /** Milliseconds since 1970, for the times that are told. */
  readonly wallClock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

export interface MemoryPeerStoreOptions {
  /** Milliseconds for which a peer stays after an announce; up to ten days. */
  readonly timeToLive: number;
  /**
   * Peers in all swarms together; more are refused.
   * @default 2,000,000
   */
  readonly maxPeers?: number;
  /**
   * Swarms; more are refused.
   * @default 200,000
   */
  readonly maxSwarms?: number;
}

/** Something that a peer has said, now or a while ago. */
type Statement = Omit<StoredPeer, 'age'>;

/**
 * Peers in the memory of this process. A swarm is forgotten, its count of downloads too, when nobody has announced
 * to it for the time to live. Each swarm is looked at when it is asked for, and every five seconds at least.
 */
export class MemoryPeerStore implements PeerStore {
  readonly #clock: Clock;
  readonly #wallClock: Clock;
  readonly #random: Random;
  readonly #timeToLive: number;
  readonly #maxPeers: number;
  readonly #maxSwarms: number;
  readonly #seed: number;
  readonly #swarms = new Map<string, Swarm>();
  readonly #keys = new SortedKeys();
  readonly #labels = new Labels();
  readonly #watchers = new Watchers();
  readonly #sweep: Sweep<Swarm>;
  #peers = 0;
  #leechers = 0;
  #completed = 0;
  #closed = false;

  constructor(
    { clock, wallClock, timers, random }: MemoryPeerStoreDependencies,
    options: MemoryPeerStoreOptions,
  ) {
    this.#clock = clock;
    this.#wallClock = wallClock;
    this.#random = random;
    this.#timeToLive = options.timeToLive;
    this.#maxPeers = options.maxPeers ?? 2_000_000;
    this.#maxSwarms = options.maxSwarms ?? 200_000;
    this.#seed = random.below(2 ** 32);
    this.#sweep = new Sweep(timers, this.#swarms, (swarms) => this.#lookAt(swarms));
  }

  async announce(announce: PeerAnnounce): Promise<PeerSelection> {
    const now = this.#now();
    const key = keyOf(announce.infoHash);
    const gone = announce.role === 'gone';
    const swarm = this.#find(key, now) ?? (gone ? undefined : this.#addSwarm(key, now));
    if (swarm === undefined) return NOBODY;
    const endpoint = endpointOf(announce.address, announce.port);
    const expires = Math.floor(now + this.#timeToLive);
    const becameSeed = this.#place(swarm, announce, endpoint, expires);
    if (becameSeed && announce.completed) {
      swarm.completed++;
      this.#completed++;
    }
    if (!gone) swarm.expires = expires;
    swarm.countAnnounce(now);
    const { seeders, leechers } = swarm;
    const peers = gone ? NO_PEERS : this.#handOut(swarm, announce, endpoint);
    this.#watchers.tell();
    return { seeders, leechers, peers };
  }

  async restore(peers: readonly StoredPeer[]): Promise<void> {
    const now = this.#now();
    const youngestFirst = [...peers].sort((a, b) => a.age - b.age);
    try {
      for (const peer of youngestFirst) this.#restoreOne(peer, now);
    } finally {
      this.#watchers.tell();
    }
  }

  async scrape(infoHashes: readonly InfoHash[]): Promise<(ScrapeEntry | undefined)[]> {
    const now = this.#now();
    const entries = infoHashes.map((hash) => this.#find(keyOf(hash), now)?.counts);
    this.#watchers.tell();
    return entries;
  }

  async figures(infoHashes: readonly InfoHash[]): Promise<(SwarmFigures | undefined)[]> {
    const now = this.#now();
    const figures = infoHashes.map((hash) => {
      const swarm = this.#find(keyOf(hash), now);
      return swarm === undefined ? undefined : this.#figuresOf(swarm, now);
    });
    this.#watchers.tell();
    return figures;
  }

  async swarms(after: InfoHash | undefined, limit: number): Promise<SwarmFigures[]> {
    const now = this.#now();
    const figures: SwarmFigures[] = [];
    let key = this.#keys.after(after === undefined ? '' : keyOf(after));
    for (; key !== undefined && figures.length < limit; key = this.#keys.after(key)) {
      const swarm = this.#find(key, now);
      if (swarm !== undefined) figures.push(this.#figuresOf(swarm, now));
    }
    this.#watchers.tell();
    return figures;
  }

  async totals(): Promise<SwarmTotals> {
    this.#now();
    const seeders = this.#peers - this.#leechers;
    return { swarms: this.#swarms.size, seeders, leechers: this.#leechers, completed: this.#completed };
  }

  /** A peer whose time is up is noticed within five seconds, in an announce to its swarm at once. */
  watch(hash: InfoHash, listener: (change: MemberChange) => void): () => void {
    const key = keyOf(hash);
    const swarm = this.#swarms.get(key);
    if (swarm !== undefined) swarm.watched = true;
    return this.#watchers.watch(key, listener);
  }

  /**
   * Everybody, in arrays of up to `batch`; peers that come, go or change their role between two arrays may be missing
   * or told as they are then.
   */
  *members(batch: number): Generator<StoredPeer[]> {
    let members: StoredPeer[] = [];
    for (const swarm of this.#swarms.values()) {
      for (const table of [swarm.v4, swarm.v6]) {
        const endpoints = table === undefined ? [] : endpointsOf(table);
        for (const endpoint of endpoints) {
          const now = this.#now();
          if (this.#find(swarm.key, now) !== swarm) break;
          const slot = table!.find(endpoint);
          if (slot === NONE) continue;
          members.push(this.#memberAt(swarm, table!, slot, now));
          if (members.length < batch) continue;
          yield members;
          members = [];
        }
      }
    }
    if (members.length > 0) yield members;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#sweep.close();
    this.#watchers.clear();
    this.#swarms.clear();
    this.#keys.clear();
  }

  /** @throws PeerStoreError when the store is closed */
  #now(): number {
    if (this.#closed) throw new PeerStoreError('store-unavailable', 'this tracker is being stopped');
    return Math.floor(this.#clock.now());
  }

  /** A swarm with those in it who are there now. */
  #find(key: string, now: number): Swarm | undefined {
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
    for (const { key } of swarms) this.#find(key, now);
    this.#watchers.tell();
  }

  #addSwarm(key: string, firstSeen: number): Swarm {
    if (this.#swarms.size >= this.#maxSwarms || this.#peers >= this.#maxPeers)
      throw new PeerStoreError('full', 'this tracker has no room for more torrents');
    const swarm = new Swarm(
      key,
      firstSeen,
      Math.floor(firstSeen + this.#timeToLive),
      this.#watchers.has(key),
    );
    this.#swarms.set(key, swarm);
    this.#keys.add(key);
    this.#sweep.start();
    return swarm;
  }

  /** Does as a peer says. @returns whether it is a seed now and was none before */
  #place(swarm: Swarm, peer: Statement, endpoint: Int32Array, expires: number): boolean {
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

  #restoreOne(peer: StoredPeer, now: number): void {
    const at = Math.floor(now - Math.max(0, peer.age));
    const expires = Math.floor(at + this.#timeToLive);
    if (expires <= now) return;
    const key = keyOf(peer.infoHash);
    const gone = peer.role === 'gone';
    const swarm = this.#find(key, now) ?? (gone ? undefined : this.#addSwarm(key, at));
    if (swarm === undefined) return;
    const endpoint = endpointOf(peer.address, peer.port);
    const table = swarm.table(peer.address.length);
    const slot = table?.find(endpoint) ?? NONE;
    if (slot !== NONE && table!.dueIn(slot, expires) > 0) return;
    this.#place(swarm, peer, endpoint, expires);
    if (gone) return;
    swarm.expires = Math.max(swarm.expires, expires);
    swarm.firstSeen = Math.min(swarm.firstSeen, at);
  }

  #add(
    swarm: Swarm,
    known: PeerTable | undefined,
    peer: Statement,
    endpoint: Int32Array,
    expires: number,
  ): void {
    if (this.#peers >= this.#maxPeers)
      throw new PeerStoreError('full', 'this tracker has no room for more peers');
    const table = known ?? new PeerTable(peer.address.length, this.#seed, this.#labels);
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
    let soonest = Math.floor(now + this.#timeToLive);
    for (const table of [swarm.v4, swarm.v6]) {
      if (table === undefined) continue;
      let slot = table.oldest;
      for (; slot !== NONE && table.dueIn(slot, now) <= 0; slot = table.oldest)
        this.#remove(swarm, table, slot, true);
      if (slot !== NONE) soonest = Math.min(soonest, now + table.dueIn(slot, now));
    }
    swarm.soonest = soonest;
  }

  #handOut(swarm: Swarm, announce: PeerAnnounce, endpoint: Int32Array): PackedPeers {
    const { v4, v6 } = swarm;
    const [own, other] = announce.address.length === IPV4_LENGTH ? [v4, v6] : [v6, v4];
    return handOut(own, announce.families === 'both' ? other : undefined, announce, endpoint, this.#random);
  }

  #figuresOf(swarm: Swarm, now: number): SwarmFigures {
    const offset = this.#wallClock.now() - now;
    return {
      infoHash: infoHash(Buffer.from(swarm.key, 'latin1')),
      ...swarm.counts,
      leftDistribution: swarm.leftDistribution,
      announceRate: swarm.announceRate(now),
      firstSeen: Math.floor(offset + swarm.firstSeen),
      lastSeen: Math.floor(offset + swarm.expires - this.#timeToLive),
    };
  }

  #memberAt(swarm: Swarm, table: PeerTable, slot: number, now: number): StoredPeer {
    const left = table.dueIn(slot, now);
    const hash = infoHash(Buffer.from(swarm.key, 'latin1'));
    return { infoHash: hash, ...memberAt(table, slot), age: Math.max(0, this.#timeToLive - left) };
  }
}

const NOBODY: PeerSelection = { seeders: 0, leechers: 0, peers: NO_PEERS };

function keyOf(hash: InfoHash): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('latin1');
}

/** @throws RangeError */
function endpointOf(address: Uint8Array, port: number): Int32Array {
  if (address.length !== IPV4_LENGTH && address.length !== IPV6_LENGTH)
    throw new RangeError(`an address of ${address.length} bytes`);
  return endpointWords(address, port);
}
