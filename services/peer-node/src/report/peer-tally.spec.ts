import type { ConnectedPeer } from '@pixtorrent/client';
import { expect, it } from 'vitest';
import { PeerTally } from './peer-tally.ts';

function peer(n: number, received: number, sent: number): ConnectedPeer {
  return {
    host: '192.0.2.1',
    port: n,
    peerId: new Uint8Array(20).fill(n),
    wire: 'pixwire',
    incoming: false,
    encrypted: false,
    pieces: 0,
    seeder: false,
    chokesUs: false,
    choked: false,
    interested: false,
    interesting: false,
    received,
    sent,
    downRate: 0,
    upRate: 0,
  };
}

const names = new Map([['192.0.2.1:1', 'a']]);
const nameOf = (endpoint: string): string => names.get(endpoint) ?? endpoint;

it('tells what moved since it was told last, by the names of nodes', () => {
  const tally = new PeerTally();
  tally.count(peer(1, 100, 0));
  tally.count(peer(2, 5, 7));
  tally.count(peer(1, 150, 1));
  expect(tally.take(nameOf)).toEqual([
    { peer: 'a', received: 150, sent: 1 },
    { peer: '192.0.2.1:2', received: 5, sent: 7 },
  ]);
  tally.count(peer(1, 160, 1));
  tally.count(peer(2, 5, 7));
  expect(tally.take(nameOf)).toEqual([{ peer: 'a', received: 10, sent: 0 }]);
});

it('counts a connection to its end, and the next one of the peer from its beginning', () => {
  const tally = new PeerTally();
  tally.count(peer(1, 100, 0));
  tally.ended(peer(1, 130, 0));
  tally.ended(peer(1, 20, 0));
  expect(tally.take(nameOf)).toEqual([{ peer: 'a', received: 150, sent: 0 }]);
});

it('keeps no more than 1,000 peers, and tells of the 100 that moved most', () => {
  const tally = new PeerTally();
  for (let n = 1; n <= 2000; n++)
    tally.ended({ ...peer(n & 0xff, n, 0), port: n, peerId: Buffer.alloc(20, `${n}`) });
  const told = tally.take(nameOf);
  expect(told).toHaveLength(100);
  expect(told[0]).toMatchObject({ received: 1000 });
  expect(tally.take(nameOf)).toEqual([]);
});
