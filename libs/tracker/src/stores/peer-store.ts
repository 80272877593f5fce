import type { InfoHash, PeerId } from '@pixtorrent/core';
import type { PackedPeers, ScrapeEntry } from '@pixtorrent/tracker-protocol';

/** One announce, as a store takes it. A peer is known by its torrent, address and port. */
export interface PeerAnnounce {
  readonly infoHash: InfoHash;
  readonly peerId: PeerId;
  /** 4 or 16 bytes; an IPv4-mapped IPv6 address is given as IPv4. */
  readonly address: Uint8Array;
  readonly port: number;
  /** What the peer is from now on; a peer that is gone is handed to nobody, and gets nobody. */
  readonly role: 'leecher' | 'seed' | 'gone';
  /** Bytes that it lacks, for the statistics; a peer may be a seed of what it wants with some left. */
  readonly left: number;
  /** The peer says that it has just become whole. Counted once, when it was no seed before. */
  readonly completed: boolean;
  /** Where the peer runs: at most 63 bytes each, empty for unknown. */
  readonly zone: string;
  readonly node: string;
  /** Whether it speaks PixWire. */
  readonly pixwire: boolean;
  readonly numWant: number;
  /** Whether peers of the other family fill up what the asker's own does not give. */
  readonly families: 'own' | 'both';
  /** Whether the peers' IDs and traits are wanted too. */
  readonly details: boolean;
  /**
   * Endpoints in compact form, read as latin1, that the asker has had and that do it no good: all that is handed out is
   * random then, none for being near, and these only where there are not enough others.
   */
  readonly stalledWith?: ReadonlySet<string> | undefined;
}

/** What a store answers. Both figures include the asker unless it is gone. */
export interface PeerSelection {
  readonly seeders: number;
  readonly leechers: number;
  readonly peers: PackedPeers;
  /** Whether there may be more peers than are known here. */
  readonly partial?: boolean;
  /** See `Heard`. */
  readonly heard: Heard;
}

/**
 * When a store has heard of a peer, by a clock that is the store's own: names the announce, so that what ends it leaves alone
 * what has come after, through whichever tracker. Undefined where the store that others share has not heard of it.
 */
export type Heard = number | undefined;

/** A peer that has come or changed its role, or has gone. What only announces again is no news. */
export interface MemberChange {
  readonly type: 'joined' | 'left';
  readonly peerId: PeerId;
  readonly address: Uint8Array;
  readonly port: number;
  readonly seed: boolean;
  readonly pixwire: boolean;
}

/** A member as it is told at second hand: what it announced, and how long ago. */
export interface StoredPeer
  extends Pick<
    PeerAnnounce,
    'infoHash' | 'peerId' | 'address' | 'port' | 'role' | 'left' | 'zone' | 'node' | 'pixwire'
  > {
  /** Milliseconds since it said so. */
  readonly age: number;
  /** Of one that is gone: what the store has heard of it last; more exact than the age. */
  readonly heard?: Heard;
}

/** Figures of one swarm. Times are milliseconds since 1970. */
export interface SwarmFigures extends ScrapeEntry {
  readonly infoHash: InfoHash;
  /** Leechers by bytes left: the n-th counts those with 2^n to 2^(n+1) - 1; no zeros at the end. */
  readonly leftDistribution: readonly number[];
  /** Announces a second, over about the last minute. */
  readonly announceRate: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/** Figures of all swarms together. */
export interface SwarmTotals {
  readonly swarms: number;
  readonly seeders: number;
  readonly leechers: number;
  /** Downloads of the swarms that are known now. */
  readonly completed: number;
}

/**
 * Where the peers of all swarms are kept. A peer that has not announced for the store's time to live is no member
 * any more from that moment on. `peer-store.suite.ts` says in full what every store does.
 */
export interface PeerStore {
  /**
   * One indivisible step: drops what is due, adds, changes or removes the asker, counts, and picks peers: half of them
   * near it (of its node first, then of its zone), half at random. The asker is not picked, by address or by peer ID,
   * nor are seeds for a seed.
   * @throws PeerStoreError
   */
  announce(announce: PeerAnnounce): Promise<PeerSelection>;
  /**
   * Takes over each of `peers`, those with role `gone` as members that have left, unless the store itself has heard of
   * that peer since. Nothing is counted as completed, nor as an announce.
   * @param peers at most 1,000 @returns when it has heard of each by this @throws PeerStoreError
   */
  restore(peers: readonly StoredPeer[]): Promise<Heard[]>;
  /** One entry for each of `infoHashes`, undefined for a swarm that is not known. @throws PeerStoreError */
  scrape(infoHashes: readonly InfoHash[]): Promise<(ScrapeEntry | undefined)[]>;
  /** One entry for each of `infoHashes`, undefined for a swarm that is not known. @throws PeerStoreError */
  figures(infoHashes: readonly InfoHash[]): Promise<(SwarmFigures | undefined)[]>;
  /** Up to `limit` swarms whose info hashes come after `after`, in their order. @throws PeerStoreError */
  swarms(after: InfoHash | undefined, limit: number): Promise<SwarmFigures[]>;
  /** May be some seconds old. @throws PeerStoreError */
  totals(): Promise<SwarmTotals>;
  /**
   * Has `listener` hear of each change in a swarm from now on, whoever brings it about, in the order in which the store
   * made them; of a peer whose time ran out when the store notices it. Known at most once a change, but where the store
   * loses touch: what happened meanwhile is told when it is back, and some of what was before again. It must not throw.
   * @returns what ends it
   */
  watch(infoHash: InfoHash, listener: (change: MemberChange) => void): () => void;
  /** Ends what the store does by itself. What is asked afterwards fails. */
  close(): Promise<void>;
}

/**
 * A store that outlives this process, and may be emptied meanwhile. Others write to it too, so it remembers who has left
 * for as long as somebody may restore them: to it that is news like any other.
 */
export interface SharedPeerStore extends PeerStore {
  /** Fulfilled with a name for this life of the store's contents, new when it has been emptied. @throws PeerStoreError */
  epoch(): Promise<string>;
}
