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
  /** The peer says that it has just become whole. Counted once, when it was no seed before. */
  readonly completed: boolean;
  readonly numWant: number;
  /** Whether peers of the other family fill up what the asker's own does not give. */
  readonly families: 'own' | 'both';
  /** Whether the peers' IDs are wanted too. */
  readonly ids: boolean;
}

/** What a store answers. Both figures include the asker unless it is gone. */
export interface PeerSelection {
  readonly seeders: number;
  readonly leechers: number;
  readonly peers: PackedPeers;
}

export interface SwarmFigures extends ScrapeEntry {
  readonly infoHash: InfoHash;
}

/**
 * Where the peers of all swarms are kept. A peer that has not announced for the store's time to live is no member
 * any more from that moment on. `peer-store.suite.ts` says in full what every store does.
 */
export interface PeerStore {
  /**
   * One indivisible step: drops what is due, adds, changes or removes the asker, counts, and picks peers at random.
   * The asker is not picked, by address or by peer ID, nor are seeds for a seed.
   * @throws PeerStoreError
   */
  announce(announce: PeerAnnounce): Promise<PeerSelection>;
  /** One entry for each of `infoHashes`, undefined for a swarm that is not known. @throws PeerStoreError */
  scrape(infoHashes: readonly InfoHash[]): Promise<(ScrapeEntry | undefined)[]>;
  /** Every swarm that is known; those that come or go meanwhile may be missing. @throws PeerStoreError */
  swarms(): AsyncIterable<SwarmFigures>;
}
