import { Placement } from '@pixtorrent/cluster';
import { cluster } from '@pixtorrent/contracts';
import { expect, it } from 'vitest';
import { chooseNode } from './choose-node.ts';

const { NODE_STATE_READY, NODE_STATE_DRAINING } = cluster.NodeState;

function node(name: string, more: Partial<cluster.Node> = {}): cluster.Node {
  return {
    name,
    state: NODE_STATE_READY,
    zone: '',
    machine: '',
    grpcAddress: `${name}:1`,
    httpAddress: '',
    peerAddress: '',
    diskBudget: 100,
    diskUsed: 0,
    holdings: [],
    sinceMs: 0,
    ...more,
  };
}

const EVERYWHERE = { name: 'a', replicas: 'all' } as const;

it('takes the one with the most room', () => {
  const nodes = [node('n1', { diskUsed: 50 }), node('n2', { diskUsed: 10 }), node('n3', { diskBudget: 80 })];
  expect(chooseNode(nodes, EVERYWHERE, undefined).name).toBe('n2');
});

it('takes one that is to hold the content anyway, whatever room the others have', () => {
  const nodes = ['n1', 'n2', 'n3', 'n4'].map((name) => node(name));
  const placement = new Placement(nodes.map((one) => ({ ...one, state: 'ready' as const })));
  const [holder] = placement.holders('a', 1);
  const full = nodes.map((one) => (one.name === holder ? { ...one, diskUsed: 99 } : one));
  expect(chooseNode(full, { name: 'a', replicas: 1 }, undefined).name).toBe(holder);
});

it('takes none that is not ready or cannot be reached', () => {
  const nodes = [node('n1', { state: NODE_STATE_DRAINING }), node('n2', { grpcAddress: '' })];
  const code = { code: 'unreachable' };
  expect(() => chooseNode(nodes, EVERYWHERE, undefined)).toThrow(expect.objectContaining(code));
  expect(() => chooseNode([], EVERYWHERE, undefined)).toThrow(expect.objectContaining(code));
});

it('takes the one that is named, if it is ready', () => {
  const nodes = [node('n1', { diskUsed: 90 }), node('n2'), node('n3', { state: NODE_STATE_DRAINING })];
  expect(chooseNode(nodes, EVERYWHERE, 'n1').name).toBe('n1');
  expect(() => chooseNode(nodes, EVERYWHERE, 'n3')).toThrow(
    'there is no node n3 that is ready; there are: n1, n2',
  );
});
