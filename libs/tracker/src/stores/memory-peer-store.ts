import { type Clock, ID_LENGTH, type InfoHash, infoHash, type Random, type Timers } from '@pixtorrent/core';
import { IPV4_LENGTH, IPV6_LENGTH, type PackedPeers, type ScrapeEntry } from '@pixtorrent/tracker-protocol';
import { PeerStoreError } from '../errors.ts';
import { NONE } from './due-order.ts';
import { handOut, NO_PEERS } from './hand-out.ts';
import { endpointsOf, memberAt } from './members.ts';
import { MemorySwarms } from './memory-swarms.ts';
import type {
  Heard,
  MemberChange,
  PeerAnnounce,
  PeerSelection,
  PeerStore,
  StoredPeer,
  SwarmFigures,
  SwarmTotals,
} from './peer-store.ts';
import type { PeerTable } from './peer-table.ts';
import type { Swarm } from './swarm.ts';
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

/**
 * Peers in the memory of this process. A swarm is forgotten, its count of downloads too, when nobody has announced
 * to it for the time to live.
 */
export class MemoryPeerStore implements PeerStore {
  readonly #clock: Clock;
  readonly #wallClock: Clock;
  readonly #random: Random;
  readonly #timeToLive: number;
  readonly #swarms: MemorySwarms;
  #closed = false;

  constructor(
    { clock, wallClock, timers, random }: MemoryPeerStoreDependencies,
    options: MemoryPeerStoreOptions,
  ) {
    this.#clock = clock;
    this.#wallClock = wallClock;
    this.#random = random;
    this.#timeToLive = options.timeToLive;
    this.#swarms = new MemorySwarms(
      { timers, now: () => this.#now(), seed: random.below(2 ** 32) },
      {
        timeToLive: options.timeToLive,
        maxPeers: options.maxPeers ?? 2_000_000,
        maxSwarms: options.maxSwarms ?? 200_000,
      },
    );
  }

  async announce(announce: PeerAnnounce): Promise<PeerSelection> {
    return this.announceNow(announce);
  }

  /** The same, without a promise: nothing here waits. @throws PeerStoreError */
  announceNow(announce: PeerAnnounce): PeerSelection {
    const now = this.#now();
    const key = keyOf(announce.infoHash);
    const gone = announce.role === 'gone';
    const swarm = this.#swarms.find(key, now) ?? (gone ? undefined : this.#swarms.add(key, now));
    if (swarm === undefined) return { ...NOBODY, heard: now };
    const endpoint = endpointOf(announce.address, announce.port);
    const expires = Math.floor(now + this.#timeToLive);
    const becameSeed = this.#swarms.place(swarm, announce, endpoint, expires);
    if (becameSeed && announce.completed) this.#swarms.countCompleted(swarm);
    if (!gone) swarm.expires = expires;
    swarm.countAnnounce(now);
    const { seeders, leechers } = swarm;
    const peers = gone ? NO_PEERS : this.#handOut(swarm, announce, endpoint);
    this.#swarms.tell();
    return { seeders, leechers, peers, heard: now };
  }

  async restore(peers: readonly StoredPeer[]): Promise<Heard[]> {
    const now = this.#now();
    const heard = peers.map((peer) => peer.heard ?? Math.floor(now - Math.max(0, peer.age)));
    const youngestFirst = [...peers.keys()].sort((a, b) => heard[b]! - heard[a]!);
    try {
      for (const i of youngestFirst) this.#restoreOne(peers[i]!, heard[i]!, now);
    } finally {
      this.#swarms.tell();
    }
    return heard;
  }

  async scrape(infoHashes: readonly InfoHash[]): Promise<(ScrapeEntry | undefined)[]> {
    const now = this.#now();
    const entries = infoHashes.map((hash) => this.#swarms.find(keyOf(hash), now)?.counts);
    this.#swarms.tell();
    return entries;
  }

  async figures(infoHashes: readonly InfoHash[]): Promise<(SwarmFigures | undefined)[]> {
    const now = this.#now();
    const figures = infoHashes.map((hash) => {
      const swarm = this.#swarms.find(keyOf(hash), now);
      return swarm === undefined ? undefined : this.#figuresOf(swarm, now);
    });
    this.#swarms.tell();
    return figures;
  }

  async swarms(after: InfoHash | undefined, limit: number): Promise<SwarmFigures[]> {
    const now = this.#now();
    const figures: SwarmFigures[] = [];
    let key = this.#swarms.keyAfter(after === undefined ? '' : keyOf(after));
    for (; key !== undefined && figures.length < limit; key = this.#swarms.keyAfter(key)) {
      const swarm = this.#swarms.find(key, now);
      if (swarm !== undefined) figures.push(this.#figuresOf(swarm, now));
    }
    this.#swarms.tell();
    return figures;
  }

  async totals(): Promise<SwarmTotals> {
    this.#now();
    return this.#swarms.totals;
  }

  /** A peer whose time is up is noticed within five seconds, in an announce to its swarm at once. */
  watch(hash: InfoHash, listener: (change: MemberChange) => void): () => void {
    return this.#swarms.watch(keyOf(hash), listener);
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
          if (this.#swarms.find(swarm.key, now) !== swarm) break;
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
    this.#swarms.close();
  }

  /** @throws PeerStoreError when the store is closed */
  #now(): number {
    if (this.#closed) throw new PeerStoreError('store-unavailable', 'this tracker is being stopped');
    return Math.floor(this.#clock.now());
  }

  #restoreOne(peer: StoredPeer, at: number, now: number): void {
    const expires = Math.floor(at + this.#timeToLive);
    if (expires <= now) return;
    const key = keyOf(peer.infoHash);
    const gone = peer.role === 'gone';
    const swarm = this.#swarms.find(key, now) ?? (gone ? undefined : this.#swarms.add(key, at));
    if (swarm === undefined) return;
    const endpoint = endpointOf(peer.address, peer.port);
    const table = swarm.table(peer.address.length);
    const slot = table?.find(endpoint) ?? NONE;
    if (slot !== NONE && table!.dueIn(slot, expires) > 0) return;
    this.#swarms.place(swarm, peer, endpoint, expires);
    if (gone) return;
    swarm.expires = Math.max(swarm.expires, expires);
    swarm.firstSeen = Math.min(swarm.firstSeen, at);
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

const NOBODY = { seeders: 0, leechers: 0, peers: NO_PEERS };

const keyBytes = Buffer.alloc(ID_LENGTH);

/** By memory that is there already: the runtime moves a small array out of its heap to have a buffer of it, in 1 µs. */
function keyOf(hash: InfoHash): string {
  keyBytes.set(hash);
  return keyBytes.toString('latin1');
}

/** @throws RangeError */
function endpointOf(address: Uint8Array, port: number): Int32Array {
  if (address.length !== IPV4_LENGTH && address.length !== IPV6_LENGTH)
    throw new RangeError(`an address of ${address.length} bytes`);
  return endpointWords(address, port);
}
