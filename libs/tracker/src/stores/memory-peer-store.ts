import { type Clock, type InfoHash, infoHash, type Random } from '@pixtorrent/core';
import { IPV4_LENGTH, IPV6_LENGTH, type ScrapeEntry } from '@pixtorrent/tracker-protocol';
import { PeerStoreError } from '../errors.ts';
import { handOut } from './hand-out.ts';
import type { PeerAnnounce, PeerSelection, PeerStore, SwarmFigures } from './peer-store.ts';
import { NONE, PeerTable } from './peer-table.ts';

export interface MemoryPeerStoreDependencies {
  readonly clock: Clock;
  readonly random: Random;
}

export interface MemoryPeerStoreOptions {
  /** Milliseconds for which a peer stays after an announce. */
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

interface Swarm {
  readonly key: string;
  readonly tables: { v4: PeerTable | undefined; v6: PeerTable | undefined };
  completed: number;
  /** When its last peer expires. */
  expires: number;
  older: Swarm | undefined;
  newer: Swarm | undefined;
}

/**
 * Peers in the memory of this process. A swarm is forgotten, its count of downloads too, when nobody has announced
 * to it for the time to live.
 */
export class MemoryPeerStore implements PeerStore {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #timeToLive: number;
  readonly #maxPeers: number;
  readonly #maxSwarms: number;
  readonly #seed: number;
  readonly #swarms = new Map<string, Swarm>();
  #oldest: Swarm | undefined;
  #newest: Swarm | undefined;
  #peers = 0;

  constructor({ clock, random }: MemoryPeerStoreDependencies, options: MemoryPeerStoreOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#timeToLive = options.timeToLive;
    this.#maxPeers = options.maxPeers ?? 2_000_000;
    this.#maxSwarms = options.maxSwarms ?? 200_000;
    this.#seed = random.below(2 ** 32);
  }

  async announce(announce: PeerAnnounce): Promise<PeerSelection> {
    const now = this.#clock.now();
    this.#forget(now);
    const key = keyOf(announce.infoHash);
    const known = this.#swarms.get(key);
    if (known !== undefined) this.#expire(known, now);
    const gone = announce.role === 'gone';
    if (known === undefined && gone) return NOBODY;
    const endpoint = compact(announce.address, announce.port);
    const swarm = known ?? this.#addSwarm(key);
    this.#place(swarm, announce, endpoint, now + this.#timeToLive);
    if (!gone) this.#touch(swarm, now + this.#timeToLive);

    const { v4, v6 } = swarm.tables;
    const own = announce.address.length === IPV4_LENGTH ? v4 : v6;
    const other = announce.families === 'own' ? undefined : own === v4 ? v6 : v4;
    const asker = { peerId: announce.peerId, endpoint, seed: announce.role === 'seed' };
    const want = gone ? 0 : announce.numWant;
    const { seeders, leechers } = figures(swarm);
    return { seeders, leechers, peers: handOut(own, other, asker, want, announce.ids, this.#random) };
  }

  async scrape(infoHashes: readonly InfoHash[]): Promise<(ScrapeEntry | undefined)[]> {
    const now = this.#clock.now();
    this.#forget(now);
    return infoHashes.map((hash) => {
      const swarm = this.#swarms.get(keyOf(hash));
      if (swarm === undefined) return undefined;
      this.#expire(swarm, now);
      return figures(swarm);
    });
  }

  async *swarms(): AsyncGenerator<SwarmFigures> {
    this.#forget(this.#clock.now());
    for (const swarm of this.#swarms.values()) {
      this.#expire(swarm, this.#clock.now());
      yield { infoHash: infoHash(Buffer.from(swarm.key, 'latin1')), ...figures(swarm) };
    }
  }

  #place(swarm: Swarm, announce: PeerAnnounce, endpoint: Uint8Array, expires: number): void {
    const family = announce.address.length === IPV4_LENGTH ? 'v4' : 'v6';
    let table = swarm.tables[family];
    const slot = table?.find(endpoint) ?? NONE;
    const wasSeed = slot !== NONE && table!.isSeed(slot);
    const seed = announce.role === 'seed';
    if (announce.completed && seed && !wasSeed) swarm.completed++;
    if (slot !== NONE && announce.role !== 'gone' && wasSeed === seed) {
      table!.refresh(slot, announce.peerId, expires);
      return;
    }
    if (slot !== NONE) {
      table!.remove(slot);
      this.#peers--;
    }
    if (announce.role === 'gone') return;
    if (this.#peers >= this.#maxPeers)
      throw new PeerStoreError('full', 'this tracker has no room for more peers');
    table ??= new PeerTable(announce.address.length, this.#seed);
    swarm.tables[family] = table;
    table.add(endpoint, announce.peerId, seed, expires);
    this.#peers++;
  }

  #addSwarm(key: string): Swarm {
    if (this.#swarms.size >= this.#maxSwarms || this.#peers >= this.#maxPeers)
      throw new PeerStoreError('full', 'this tracker has no room for more torrents');
    const tables = { v4: undefined, v6: undefined };
    const swarm: Swarm = { key, tables, completed: 0, expires: 0, older: undefined, newer: undefined };
    this.#swarms.set(key, swarm);
    return swarm;
  }

  /** Makes `swarm` the newest of the swarms, which stand in the order of their last announces. */
  #touch(swarm: Swarm, expires: number): void {
    swarm.expires = expires;
    if (this.#newest === swarm) return;
    this.#unlink(swarm);
    swarm.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = swarm;
    else this.#newest.newer = swarm;
    this.#newest = swarm;
  }

  #unlink(swarm: Swarm): void {
    if (swarm.older !== undefined) swarm.older.newer = swarm.newer;
    else if (this.#oldest === swarm) this.#oldest = swarm.newer;
    if (swarm.newer !== undefined) swarm.newer.older = swarm.older;
    else if (this.#newest === swarm) this.#newest = swarm.older;
    swarm.older = undefined;
    swarm.newer = undefined;
  }

  /** Lets go of the swarms in which nobody is left. */
  #forget(now: number): void {
    for (let swarm = this.#oldest; swarm !== undefined && swarm.expires <= now; swarm = this.#oldest) {
      this.#peers -= (swarm.tables.v4?.count ?? 0) + (swarm.tables.v6?.count ?? 0);
      this.#unlink(swarm);
      this.#swarms.delete(swarm.key);
    }
  }

  #expire(swarm: Swarm, now: number): void {
    const { v4, v6 } = swarm.tables;
    this.#peers -= (v4?.expire(now) ?? 0) + (v6?.expire(now) ?? 0);
  }
}

const NOBODY: PeerSelection = {
  seeders: 0,
  leechers: 0,
  peers: { v4: new Uint8Array(0), v6: new Uint8Array(0), ids: new Uint8Array(0) },
};

function figures({ tables: { v4, v6 }, completed }: Swarm): ScrapeEntry {
  const leechers = (v4?.leechers ?? 0) + (v6?.leechers ?? 0);
  return { seeders: (v4?.count ?? 0) + (v6?.count ?? 0) - leechers, leechers, completed };
}

function keyOf(hash: InfoHash): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('latin1');
}

function compact(address: Uint8Array, port: number): Uint8Array {
  if (address.length !== IPV4_LENGTH && address.length !== IPV6_LENGTH)
    throw new RangeError(`an address of ${address.length} bytes`);
  const endpoint = new Uint8Array(address.length + 2);
  endpoint.set(address);
  endpoint[address.length] = port >>> 8;
  endpoint[address.length + 1] = port & 0xff;
  return endpoint;
}
