import type { TrackerPeer } from './announce.ts';
import { formatIp, IPV4_LENGTH, IPV6_LENGTH } from './ip-address.ts';

/** Bytes of a peer in a compact list: address and port, big-endian (BEP 23, BEP 7). */
export const COMPACT_V4_LENGTH = IPV4_LENGTH + 2;
export const COMPACT_V6_LENGTH = IPV6_LENGTH + 2;

/** How many peers of one answer are kept. */
export const MAX_PEERS = 5000;

/**
 * Adds the peers of a compact list to `peers`, up to `MAX_PEERS` in all. Peers with port 0 and the remainder of a
 * list that does not come out even are left out.
 */
export function readCompactPeers(bytes: Uint8Array, addressLength: 4 | 16, peers: TrackerPeer[]): void {
  const stride = addressLength + 2;
  for (let at = 0; at + stride <= bytes.length && peers.length < MAX_PEERS; at += stride) {
    const port = (bytes[at + addressLength]! << 8) | bytes[at + addressLength + 1]!;
    if (port !== 0) peers.push({ host: formatIp(bytes, at, addressLength), port });
  }
}

/** Peers as a tracker hands them out: packed, by address family. */
export interface PackedPeers {
  /** 6 bytes a peer (BEP 23). */
  readonly v4: Uint8Array;
  /** 18 bytes a peer (BEP 7). */
  readonly v6: Uint8Array;
  /** 20 bytes a peer, those of `v4` first; empty where no peer IDs were asked for. */
  readonly ids: Uint8Array;
  /** One byte a peer, of `PeerTrait`, in the order of `ids` and only where those are. */
  readonly traits: Uint8Array;
}

/** Bits of what a tracker knows of a peer. */
export const PeerTrait = { seed: 1, pixwire: 2 } as const;
