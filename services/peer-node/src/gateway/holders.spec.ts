import { cluster } from '@pixtorrent/contracts';
import { infoHash } from '@pixtorrent/core';
import { expect, it } from 'vitest';
import { holdersOf } from './holders.ts';

const A = infoHash(new Uint8Array(20).fill(1));
const B = infoHash(new Uint8Array(20).fill(2));

function node(peerAddress: string, holding = A, have = 1): cluster.Node {
  return {
    name: peerAddress,
    state: cluster.NodeState.NODE_STATE_READY,
    zone: '',
    machine: '',
    grpcAddress: '',
    httpAddress: '',
    peerAddress,
    sinceMs: 0,
    diskBudget: 0,
    diskUsed: 0,
    holdings: [
      { infoHash: Buffer.from(holding), have, size: 2, downRate: 0, upRate: 0, peers: 0, availability: 0 },
    ],
  };
}

it('are those who have some of it, where they can be reached', () => {
  const nodes = [
    node('node-1:6881'),
    node('10.0.0.1:1'),
    node('[fd00::1]:65535'),
    node('other:6881', B),
    node('empty:6881', A, 0),
    ...['', 'node', 'node:', 'node:0', 'node:65536', 'a b:1', 'a:1:2', '[x]:1'].map((address) =>
      node(address),
    ),
  ];
  expect(holdersOf(nodes, A)).toEqual([
    { host: 'node-1', port: 6881 },
    { host: '10.0.0.1', port: 1 },
    { host: 'fd00::1', port: 65_535 },
  ]);
  expect(
    holdersOf(
      Array.from({ length: 1000 }, (_, i) => node(`n${i}:1`)),
      A,
    ),
  ).toHaveLength(16);
});
