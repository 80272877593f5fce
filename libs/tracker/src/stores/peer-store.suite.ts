import { type Clock, type InfoHash, infoHash, peerId, type Random, SeededRandom } from '@pixtorrent/core';
import { formatIp, parseIp } from '@pixtorrent/tracker-protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PeerAnnounce, PeerSelection, PeerStore } from './peer-store.ts';

/** How a store under test is made. Its time and chance are the suite's. */
export type MakePeerStore = (
  dependencies: { readonly clock: Clock; readonly random: Random },
  options: { readonly timeToLive: number },
) => PeerStore | Promise<PeerStore>;

const TIME_TO_LIVE = 1000;
const HASHES = [1, 2, 3].map((fill) => infoHash(new Uint8Array(20).fill(fill)));
const [HASH] = HASHES as [InfoHash];

/** What every store does; each implementation runs it. */
export function peerStoreSuite(name: string, make: MakePeerStore): void {
  const setUp = async () => {
    const clock = { time: 0, now: () => clock.time };
    const store = await make({ clock, random: new SeededRandom(7) }, { timeToLive: TIME_TO_LIVE });
    return { clock, store };
  };

  describe(`${name} as a peer store`, () => {
    it('counts, hands out and forgets like a naive model, whatever is announced and when', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 120 }), async (steps) => {
          const { clock, store } = await setUp();
          const model = new Model();
          for (const { wait, ...change } of steps) {
            clock.time += wait;
            const announce = announceOf(change);
            model.check(announce, await store.announce(announce), clock.time);
            const scraped = await store.scrape(HASHES);
            expect(scraped.map((entry) => entry ?? NOTHING)).toEqual(model.figures(clock.time));
          }
        }),
        { numRuns: 500 },
      );
    });

    it('grows to many peers, and gives all of them back', async () => {
      const { clock, store } = await setUp();
      for (let i = 0; i < 3000; i++) {
        await store.announce(announceOf({ peer: i, ...(i % 3 === 0 && { role: 'seed' as const }) }));
      }
      expect(await store.scrape([HASH])).toEqual([{ seeders: 1000, leechers: 2000, completed: 0 }]);
      for (let i = 0; i < 3000; i += 2) await store.announce(announceOf({ peer: i, role: 'gone' }));
      expect(await store.scrape([HASH])).toEqual([{ seeders: 500, leechers: 1000, completed: 0 }]);
      const all = await store.announce(announceOf({ peer: 1, numWant: 5000 }));
      expect(new Set(endpointsOf(all)).size).toBe(1499);
      clock.time += TIME_TO_LIVE;
      expect((await store.announce(announceOf({ peer: 1 }))).leechers).toBe(1);
    });

    it('keeps a peer until its time is up, and not a moment longer', async () => {
      const { clock, store } = await setUp();
      await store.announce(announceOf({ peer: 1 }));
      clock.time = TIME_TO_LIVE - 1;
      expect((await store.announce(announceOf({ peer: 2 }))).leechers).toBe(2);
      clock.time = TIME_TO_LIVE;
      expect((await store.announce(announceOf({ peer: 3 }))).leechers).toBe(2);
    });

    it('lets a peer go at once, and leaves no trace of one that was never there', async () => {
      const { store } = await setUp();
      expect(await store.announce(announceOf({ peer: 1, role: 'gone' }))).toMatchObject({ leechers: 0 });
      await store.announce(announceOf({ peer: 1 }));
      await store.announce(announceOf({ peer: 2 }));
      const left = await store.announce(announceOf({ peer: 1, role: 'gone' }));
      expect(left.leechers).toBe(1);
      expect(endpointsOf(left)).toEqual([]);
      expect(endpointsOf(await store.announce(announceOf({ peer: 3 })))).toEqual(['10.0.0.2']);
    });

    it('counts a download once, and only where the peer was no seed before', async () => {
      const { store } = await setUp();
      await store.announce(announceOf({ peer: 1 }));
      for (let i = 0; i < 3; i++) {
        await store.announce(announceOf({ peer: 1, role: 'seed', completed: true }));
      }
      expect(await store.scrape([HASH])).toEqual([{ seeders: 1, leechers: 0, completed: 1 }]);
    });

    it('does not hand a peer to itself, under its other address either', async () => {
      const { store } = await setUp();
      await store.announce(announceOf({ peer: 1 }));
      await store.announce(announceOf({ peer: 1, family: 6 }));
      await store.announce(announceOf({ peer: 2 }));
      expect(endpointsOf(await store.announce(announceOf({ peer: 1 })))).toEqual(['10.0.0.2']);
    });

    it("hands out the asker's own family first, the other where there is room and it is wanted", async () => {
      const { store } = await setUp();
      for (let i = 0; i < 5; i++) {
        await store.announce(announceOf({ peer: i, family: 6 }));
        await store.announce(announceOf({ peer: 100 + i }));
      }
      const ask = async (change: Partial<Change>) => {
        const { peers } = await store.announce(announceOf({ peer: 50, ...change }));
        return [peers.v4.length / 6, peers.v6.length / 18];
      };
      expect(await ask({ numWant: 4 })).toEqual([4, 0]);
      expect(await ask({ numWant: 8 })).toEqual([5, 3]);
      expect(await ask({ numWant: 8, families: 'own' })).toEqual([5, 0]);
      // The asker is there once over IPv4 already, which it is not given.
      expect(await ask({ numWant: 8, family: 6 })).toEqual([3, 5]);
    });

    it('gives peer IDs in the order of the endpoints', async () => {
      const { store } = await setUp();
      for (let i = 0; i < 4; i++) await store.announce(announceOf({ peer: i, family: i % 2 ? 6 : 4 }));
      const selection = await store.announce(announceOf({ peer: 9, ids: true }));
      const hosts = endpointsOf(selection);
      expect(selection.peers.ids.length).toBe(4 * 20);
      hosts.forEach((host, i) => {
        const id = Buffer.from(selection.peers.ids).readUInt32BE(i * 20 + 16);
        expect(addressOf(id, id % 2 ? 6 : 4)).toBe(host);
      });
    });

    it('starves nobody: over many joins each peer is handed out about as often as any other', async () => {
      const { store } = await setUp();
      const given = new Map<string, number>();
      for (let i = 0; i < 200; i++)
        await store.announce(announceOf({ peer: i, ...(i < 100 && { role: 'seed' }) }));
      for (let i = 0; i < 2000; i++) {
        const asker = announceOf({ peer: 1000 + (i % 2), numWant: 20 });
        for (const host of endpointsOf(await store.announce(asker)))
          given.set(host, (given.get(host) ?? 0) + 1);
        if (i % 2) await store.announce({ ...asker, role: 'gone' });
      }
      for (let i = 0; i < 200; i++) {
        // 200 expected, some 14 of deviation.
        expect(given.get(addressOf(i, 4))).toBeGreaterThan(130);
        expect(given.get(addressOf(i, 4))).toBeLessThan(270);
      }
    });

    it('lists the swarms that are alive', async () => {
      const { clock, store } = await setUp();
      await store.announce(announceOf({ peer: 1, swarm: 0 }));
      clock.time = TIME_TO_LIVE - 1;
      await store.announce(announceOf({ peer: 1, swarm: 1, role: 'seed' }));
      clock.time = TIME_TO_LIVE;
      const swarms = [];
      for await (const swarm of store.swarms()) swarms.push(swarm);
      expect(swarms).toEqual([{ infoHash: HASHES[1], seeders: 1, leechers: 0, completed: 0 }]);
    });
  });
}

interface Change {
  readonly peer: number;
  readonly swarm: number;
  readonly family: 4 | 6;
  readonly role: PeerAnnounce['role'];
  readonly completed: boolean;
  readonly numWant: number;
  readonly families: 'own' | 'both';
  readonly ids: boolean;
}

const NOTHING = { seeders: 0, leechers: 0, completed: 0 };

const step: fc.Arbitrary<Change & { wait: number }> = fc.record({
  wait: fc.oneof({ weight: 4, arbitrary: fc.nat(60) }, { weight: 1, arbitrary: fc.nat(2 * TIME_TO_LIVE) }),
  peer: fc.nat(40),
  swarm: fc.nat(HASHES.length - 1),
  family: fc.constantFrom(4, 4, 6),
  role: fc.constantFrom('leecher', 'leecher', 'seed', 'gone'),
  completed: fc.boolean(),
  numWant: fc.nat(50),
  families: fc.constantFrom('own', 'both'),
  ids: fc.boolean(),
});

function announceOf(change: Partial<Change> & { peer: number }): PeerAnnounce {
  const { peer, swarm = 0, family = 4, ...rest } = change;
  const id = Buffer.from('-XX0000-000000000000', 'latin1');
  id.writeUInt32BE(peer, 16);
  return {
    infoHash: HASHES[swarm]!,
    peerId: peerId(id),
    address: parseIp(addressOf(peer, family))!,
    port: 6881,
    role: 'leecher',
    completed: false,
    numWant: 50,
    families: 'both',
    ids: false,
    ...rest,
  };
}

function addressOf(peer: number, family: 4 | 6): string {
  return family === 4 ? `10.0.${peer >>> 8}.${peer & 255}` : `2001:db8::1:${(peer + 1).toString(16)}`;
}

function endpointsOf({ peers }: PeerSelection): string[] {
  const hosts: string[] = [];
  for (let at = 0; at < peers.v4.length; at += 6) hosts.push(formatIp(peers.v4, at, 4));
  for (let at = 0; at < peers.v6.length; at += 18) hosts.push(formatIp(peers.v6, at, 16));
  return hosts;
}

/** The rules again, with no thought for speed. */
class Model {
  readonly #swarms = HASHES.map(() => ({
    peers: new Map<string, { seed: boolean; id: string; expires: number }>(),
    completed: 0,
    last: 0,
  }));

  check(announce: PeerAnnounce, selection: PeerSelection, now: number): void {
    this.#expire(now);
    const swarm = this.#swarms[HASHES.indexOf(announce.infoHash)]!;
    const host = formatIp(announce.address, 0, announce.address.length as 4 | 16);
    const id = Buffer.from(announce.peerId).toString('hex');
    const seed = announce.role === 'seed';
    if (announce.completed && seed && !swarm.peers.get(host)?.seed) swarm.completed++;
    swarm.peers.delete(host);
    if (announce.role !== 'gone') {
      swarm.peers.set(host, { seed, id, expires: now + TIME_TO_LIVE });
      swarm.last = now;
    }
    const { seeders, leechers } = this.figures(now)[HASHES.indexOf(announce.infoHash)]!;
    expect({ seeders: selection.seeders, leechers: selection.leechers }).toEqual({ seeders, leechers });

    const own = (other: string) => other.includes(':') === host.includes(':');
    const eligible = [...swarm.peers].filter(
      ([other, peer]) =>
        peer.id !== id && !(seed && peer.seed) && (announce.families === 'both' || own(other)),
    );
    const handed = endpointsOf(selection);
    const names = new Set(eligible.map(([other]) => other));
    expect(handed.every((other) => names.has(other))).toBe(true);
    expect(new Set(handed).size).toBe(handed.length);
    expect(handed.length).toBe(announce.role === 'gone' ? 0 : Math.min(announce.numWant, eligible.length));
    expect(selection.peers.ids.length).toBe(announce.ids ? handed.length * 20 : 0);
  }

  figures(now: number): { seeders: number; leechers: number; completed: number }[] {
    this.#expire(now);
    return this.#swarms.map(({ peers, completed }) => {
      const seeders = [...peers.values()].filter(({ seed }) => seed).length;
      return { seeders, leechers: peers.size - seeders, completed };
    });
  }

  #expire(now: number): void {
    for (const swarm of this.#swarms) {
      for (const [host, { expires }] of swarm.peers) if (expires <= now) swarm.peers.delete(host);
      if (swarm.last + TIME_TO_LIVE <= now) swarm.completed = 0;
    }
  }
}
