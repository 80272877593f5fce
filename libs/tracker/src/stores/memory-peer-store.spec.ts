import { infoHash, SeededRandom } from '@pixtorrent/core';
import { VirtualTime } from '@pixtorrent/testkit';
import { describe, expect, it } from 'vitest';
import { PeerStoreError } from '../errors.ts';
import { MemoryPeerStore, type MemoryPeerStoreOptions } from './memory-peer-store.ts';
import { peerStoreSuite } from './peer-store.suite.ts';
import type { MemberChange, PeerAnnounce } from './peer-store.ts';
import { announceOf, type Change, hostOf, storedOf } from './suite/announces.ts';

const START = 1_700_000_000_000;

function setUp(options: MemoryPeerStoreOptions) {
  const time = new VirtualTime();
  const wallClock = { now: () => START + time.now() };
  const store = new MemoryPeerStore(
    { clock: time, wallClock, timers: time, random: new SeededRandom(7) },
    options,
  );
  const advance = (milliseconds: number) => void time.run({ until: time.now() + milliseconds });
  return { store, advance, now: wallClock.now };
}

peerStoreSuite('MemoryPeerStore', { make: setUp, runs: 300 });

function inSwarm(swarm: number, change: Partial<Change> & { peer: number }): PeerAnnounce {
  return { ...announceOf(change), infoHash: infoHash(new Uint8Array(20).fill(swarm)) };
}

describe('MemoryPeerStore', () => {
  it('refuses what goes past its bounds, and has room again when others leave or expire', async () => {
    const { store, advance } = setUp({ timeToLive: 10_000, maxPeers: 3, maxSwarms: 2 });
    await store.announce(inSwarm(1, { peer: 1 }));
    await store.announce(inSwarm(1, { peer: 2 }));
    await store.announce(inSwarm(2, { peer: 1 }));
    const full = expect.objectContaining({ code: 'full' });
    await expect(store.announce(inSwarm(1, { peer: 3 }))).rejects.toThrow(PeerStoreError);
    await expect(store.announce(inSwarm(3, { peer: 1 }))).rejects.toEqual(full);
    await expect(store.restore([storedOf({ peer: 4 }, 0)])).rejects.toEqual(full);
    await store.announce(inSwarm(1, { peer: 2, role: 'seed' }));
    await store.announce(inSwarm(2, { peer: 1, role: 'gone' }));
    await expect(store.announce(inSwarm(3, { peer: 1 }))).rejects.toEqual(full);
    await store.announce(inSwarm(1, { peer: 3 }));

    advance(15_000);
    await store.announce(inSwarm(3, { peer: 1 }));
    await store.announce(inSwarm(4, { peer: 1 }));
    expect(await store.scrape([inSwarm(1, { peer: 1 }).infoHash])).toEqual([undefined]);
  });

  it('names all its members in batches, with what they announced and how long ago', async () => {
    const { store, advance } = setUp({ timeToLive: 1000 });
    await store.announce(announceOf({ peer: 1, swarm: 1, family: 6, role: 'seed', left: 0 }));
    advance(300);
    const facts = { left: 2 ** 41 + 3, zone: 'here', node: 'mine', pixwire: true };
    for (let peer = 2; peer < 6; peer++) await store.announce(announceOf({ peer, ...facts }));
    advance(200);
    const batches = [...store.members(2)];
    expect(batches.map(({ length }) => length)).toEqual([2, 2, 1]);
    const byHost = new Map(batches.flat().map((member) => [hostOf(member), member]));
    expect(byHost.get('2001:db8::1:2')).toEqual(
      storedOf({ peer: 1, swarm: 1, family: 6, role: 'seed', left: 0 }, 500),
    );
    for (let peer = 2; peer < 6; peer++)
      expect(byHost.get(`10.0.0.${peer}`)).toEqual(storedOf({ peer, ...facts }, 200));
  });

  it('misses nobody who stays while others come and go between two batches', async () => {
    const { store } = setUp({ timeToLive: 1000 });
    for (let peer = 0; peer < 300; peer++)
      await store.announce(announceOf({ peer, role: peer % 2 ? 'seed' : 'leecher' }));
    const named = new Set<string>();
    let round = 0;
    for (const members of store.members(10)) {
      for (const member of members) named.add(hostOf(member));
      await store.announce(announceOf({ peer: 200 + round, role: 'gone' }));
      await store.announce(announceOf({ peer: 400 + round }));
      round++;
    }
    for (let peer = 0; peer < 200; peer++) expect(named).toContain(hostOf(announceOf({ peer })));
  });

  it('tells every listener the changes in one order, those too that a listener brings about', async () => {
    const { store } = setUp({ timeToLive: 1000 });
    const heard: MemberChange[][] = [[], []];
    store.watch(announceOf({ peer: 1 }).infoHash, (change) => {
      heard[0]!.push(change);
      if (change.address[3] === 1) void store.announce(announceOf({ peer: 2 }));
    });
    store.watch(announceOf({ peer: 1 }).infoHash, (change) => heard[1]!.push(change));
    await store.announce(announceOf({ peer: 1 }));
    expect(heard[0]!.map(hostOf)).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(heard[1]).toEqual(heard[0]);
  });

  it.each(['leaves', 'takes others', 'expires with its swarm'])(
    'has room for new labels again when who had others %s',
    async (how) => {
      const { store, advance } = setUp({ timeToLive: 1000 });
      // With two labels each more than are kept at a time.
      for (let i = 0; i < 33_000; i++) {
        const peer = how === 'takes others' ? 1 : i;
        const announce = inSwarm(1, { peer, zone: `zone-${i}`, node: `node-${i}`, numWant: 0 });
        await store.announce(announce);
        if (how === 'leaves') await store.announce({ ...announce, role: 'gone' });
      }
      if (how === 'expires with its swarm') advance(6000);
      for (let peer = 0; peer < 200; peer++)
        await store.announce(announceOf({ peer, zone: peer < 3 ? 'here' : 'there' }));
      const { peers } = await store.announce(announceOf({ peer: 999, zone: 'here', numWant: 6 }));
      const given = Array.from({ length: 6 }, (_, i) => peers.v4[i * 6 + 3]!);
      expect(given.filter((peer) => peer < 3)).toHaveLength(3);
    },
  );
});
