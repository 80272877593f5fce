import { type catalog, cluster } from '@pixtorrent/contracts';
import { expect, it } from 'vitest';
import { rollOuts } from './roll-out.ts';

const HASH = Buffer.alloc(20, 1);

function node(name: string, have?: number, more: Partial<cluster.Node> = {}, availability = 1): cluster.Node {
  const holdings =
    have === undefined
      ? []
      : [{ infoHash: HASH, have, size: 100, downRate: 5, upRate: 6, peers: 2, availability }];
  return {
    name,
    state: cluster.NodeState.NODE_STATE_READY,
    zone: '',
    machine: '',
    grpcAddress: '',
    httpAddress: '',
    peerAddress: '',
    diskBudget: 1000,
    diskUsed: 0,
    holdings,
    sinceMs: 0,
    ...more,
  };
}

function entry(replicas?: number): catalog.Entry {
  return {
    name: 'a',
    version: 2,
    infoHash: HASH,
    size: 100,
    replicas: replicas === undefined ? undefined : { wanted: { $case: 'count', count: replicas } },
    labels: {},
    publishedMs: 0,
    torrent: Buffer.alloc(0),
  };
}

it('counts those that are to hold it, and how far they are', () => {
  const [all] = rollOuts([entry()], [node('n1', 100), node('n2', 50, {}, 1), node('n3')]);
  expect(all).toMatchObject({
    replicas: 'all',
    wanted: ['n1', 'n2', 'n3'],
    whole: 1,
    completion: 0.5,
    copies: 1,
    shares: [
      { node: 'n1', have: 100, size: 100, peers: 2 },
      { node: 'n2', have: 50 },
    ],
  });
});

it('counts those that have it although they need not among the copies alone', () => {
  const nodes = [node('n1', 100), node('n2', 100), node('n3', 100)];
  const [one] = rollOuts([entry(1)], nodes);
  expect(one).toMatchObject({ replicas: 1, whole: 1, completion: 1, copies: 3, availability: 3 });
  expect(one!.wanted).toHaveLength(1);
});

it('waits for none that is about to leave', () => {
  const leaving = node('n1', 100, { state: cluster.NodeState.NODE_STATE_DRAINING });
  expect(rollOuts([entry()], [leaving, node('n2', 20)])).toMatchObject([
    { wanted: ['n2'], whole: 0, completion: 0.2, copies: 1 },
  ]);
});

it('has copies of the rarest piece from whoever sees the most', () => {
  const nodes = [node('n1', 60, {}, 2), node('n2', 70, {}, 1), node('n3', 99, {}, 0)];
  expect(rollOuts([entry()], nodes)).toMatchObject([{ copies: 0, availability: 2 }]);
});

it('is at nothing where there are no nodes', () => {
  expect(rollOuts([entry()], [])).toMatchObject([{ wanted: [], whole: 0, completion: 0, availability: 0 }]);
});
