import { infoHash, peerId, SeededRandom } from '@pixtorrent/core';
import { describe, expect, it } from 'vitest';
import { PeerStoreError } from '../errors.ts';
import { MemoryPeerStore } from './memory-peer-store.ts';
import { peerStoreSuite } from './peer-store.suite.ts';
import type { PeerAnnounce } from './peer-store.ts';

peerStoreSuite('MemoryPeerStore', (dependencies, options) => new MemoryPeerStore(dependencies, options));

function announce(swarm: number, peer: number, role: PeerAnnounce['role'] = 'leecher'): PeerAnnounce {
  return {
    infoHash: infoHash(new Uint8Array(20).fill(swarm)),
    peerId: peerId(new Uint8Array(20).fill(peer)),
    address: Uint8Array.of(10, 0, 0, peer),
    port: 1,
    role,
    completed: false,
    numWant: 10,
    families: 'both',
    ids: false,
  };
}

describe('MemoryPeerStore', () => {
  it('refuses what goes past its bounds, and has room again when others leave or expire', async () => {
    const clock = { time: 0, now: () => clock.time };
    const store = new MemoryPeerStore(
      { clock, random: new SeededRandom(1) },
      { timeToLive: 100, maxPeers: 3, maxSwarms: 2 },
    );
    await store.announce(announce(1, 1));
    await store.announce(announce(1, 2));
    await store.announce(announce(2, 1));
    const full = expect.objectContaining({ code: 'full' });
    await expect(store.announce(announce(1, 3))).rejects.toThrow(PeerStoreError);
    await expect(store.announce(announce(3, 1))).rejects.toEqual(full);
    await store.announce(announce(1, 2, 'seed'));
    await store.announce(announce(2, 1, 'gone'));
    await expect(store.announce(announce(3, 1))).rejects.toEqual(full);
    await store.announce(announce(1, 3));

    clock.time = 100;
    await store.announce(announce(3, 1));
    await store.announce(announce(4, 1));
    expect(await store.scrape([announce(1, 1).infoHash])).toEqual([undefined]);
  });
});
