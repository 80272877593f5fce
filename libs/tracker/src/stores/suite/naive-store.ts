import { PeerTrait, type ScrapeEntry } from '@pixtorrent/tracker-protocol';
import { expect } from 'vitest';
import type { PeerAnnounce, PeerSelection, StoredPeer } from '../peer-store.ts';
import { HASHES, hostOf, hostsOf, TIME_TO_LIVE } from './announces.ts';

interface NaivePeer {
  readonly seed: boolean;
  readonly id: string;
  readonly stalledName: string;
  readonly left: number;
  readonly zone: string;
  readonly node: string;
  readonly pixwire: boolean;
  readonly at: number;
}

/** The rules of a store again, with no thought for speed. */
export class NaiveStore {
  readonly #swarms = HASHES.map(() => ({
    peers: new Map<string, NaivePeer>(),
    /** When they left. */
    departed: new Map<string, number>(),
    completed: 0,
    last: 0,
  }));
  readonly #recallsDepartures: boolean;

  constructor(recallsDepartures: boolean) {
    this.#recallsDepartures = recallsDepartures;
  }

  /** Takes an announce, and looks whether the answer to it is right. */
  check(announce: PeerAnnounce, selection: PeerSelection, now: number): void {
    this.#expire(now);
    const swarm = this.#swarmOf(announce);
    if (announce.completed && announce.role === 'seed' && !swarm.peers.get(hostOf(announce))?.seed)
      swarm.completed++;
    this.#place(announce, now);
    const { seeders, leechers } = this.counts(now)[HASHES.indexOf(announce.infoHash)]!;
    expect({ seeders: selection.seeders, leechers: selection.leechers }).toEqual({ seeders, leechers });
    this.#checkPeers(announce, selection);
  }

  restore(peer: StoredPeer, now: number): void {
    this.#expire(now);
    const at = now - peer.age;
    const { peers, departed } = this.#swarmOf(peer);
    const heard = peers.get(hostOf(peer))?.at ?? departed.get(hostOf(peer)) ?? at;
    if (peer.age < TIME_TO_LIVE && heard <= at) this.#place(peer, at);
  }

  counts(now: number): ScrapeEntry[] {
    this.#expire(now);
    return this.#swarms.map(({ peers, completed }) => {
      const seeders = [...peers.values()].filter(({ seed }) => seed).length;
      return { seeders, leechers: peers.size - seeders, completed };
    });
  }

  leftDistributions(now: number): number[][] {
    this.#expire(now);
    return this.#swarms.map(({ peers }) => {
      const distribution: number[] = [];
      for (const { seed, left } of peers.values()) {
        const magnitude = left.toString(2).length - 1;
        while (!seed && left > 0 && distribution.length <= magnitude) distribution.push(0);
        if (!seed && left > 0) distribution[magnitude]!++;
      }
      return distribution;
    });
  }

  #swarmOf({ infoHash }: Pick<PeerAnnounce, 'infoHash'>) {
    return this.#swarms[HASHES.indexOf(infoHash)]!;
  }

  #place(peer: Omit<StoredPeer, 'age'>, at: number): void {
    const swarm = this.#swarmOf(peer);
    const host = hostOf(peer);
    swarm.peers.delete(host);
    swarm.departed.delete(host);
    if (peer.role === 'gone') {
      if (this.#recallsDepartures) swarm.departed.set(host, at);
      return;
    }
    const { left, zone, node, pixwire, role } = peer;
    const id = Buffer.from(peer.peerId).toString('hex');
    const endpoint = [...peer.address, peer.port >>> 8, peer.port & 0xff];
    const stalledName = Buffer.from(endpoint).toString('latin1');
    swarm.peers.set(host, { seed: role === 'seed', id, stalledName, left, zone, node, pixwire, at });
    swarm.last = Math.max(swarm.last, at);
  }

  #checkPeers(announce: PeerAnnounce, selection: PeerSelection): void {
    const { role, numWant, families, stalledWith } = announce;
    const asker = hostOf(announce);
    const id = Buffer.from(announce.peerId).toString('hex');
    const own = (host: string) => host.includes(':') === asker.includes(':');
    const peers = this.#swarmOf(announce).peers;
    const eligible = new Map(
      [...peers].filter(
        ([host, peer]) =>
          peer.id !== id && !(role === 'seed' && peer.seed) && (families === 'both' || own(host)),
      ),
    );
    const handed = hostsOf(selection);
    expect(handed.filter((host) => !eligible.has(host))).toEqual([]);
    expect(new Set(handed).size).toBe(handed.length);
    const expected = role === 'gone' ? 0 : Math.min(numWant, eligible.size);
    expect(handed.length).toBe(expected);
    this.#checkDetails(announce, selection);

    const countIn = (hosts: Iterable<string>, is: (peer: NaivePeer) => boolean) =>
      [...hosts].filter((host) => is(eligible.get(host)!)).length;
    if (stalledWith !== undefined) {
      const stalled = (peer: NaivePeer) => stalledWith.has(peer.stalledName);
      const others = eligible.size - countIn(eligible.keys(), stalled);
      expect(countIn(handed, stalled)).toBe(Math.max(0, expected - others));
    } else if (role !== 'gone') {
      const { node, zone } = announce;
      const ofNode = (peer: NaivePeer) => node !== '' && peer.node === node;
      const isNear = (peer: NaivePeer) => ofNode(peer) || (zone !== '' && peer.zone === zone);
      for (const is of [ofNode, isNear]) {
        const there = countIn([...eligible.keys()].filter(own), is);
        const half = Math.min(there, Math.floor(numWant / 2));
        expect(countIn(handed.filter(own), is)).toBeGreaterThanOrEqual(half);
      }
    }
  }

  #checkDetails(announce: PeerAnnounce, selection: PeerSelection): void {
    const peers = this.#swarmOf(announce).peers;
    const handed = announce.details ? hostsOf(selection).map((host) => peers.get(host)!) : [];
    expect(Buffer.from(selection.peers.ids).toString('hex')).toBe(handed.map(({ id }) => id).join(''));
    expect([...selection.peers.traits]).toEqual(
      handed.map(({ seed, pixwire }) => (seed ? PeerTrait.seed : 0) | (pixwire ? PeerTrait.pixwire : 0)),
    );
  }

  #expire(now: number): void {
    for (const swarm of this.#swarms) {
      for (const [host, { at }] of swarm.peers) if (at + TIME_TO_LIVE <= now) swarm.peers.delete(host);
      for (const [host, at] of swarm.departed) if (at + TIME_TO_LIVE <= now) swarm.departed.delete(host);
      if (swarm.last + TIME_TO_LIVE <= now) swarm.completed = 0;
    }
  }
}
