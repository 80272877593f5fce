import { Placement } from '@pixtorrent/cluster';
import { cluster } from '@pixtorrent/contracts';
import { printable } from '@pixtorrent/core';
import { CliError } from '../errors.ts';

/**
 * The node that content is to be given to: the one that is named, else the one with the most room among those that are
 * to hold it anyway.
 * @throws CliError where there is none
 */
export function chooseNode(
  nodes: readonly cluster.Node[],
  publication: { readonly name: string; readonly replicas: 'all' | number },
  named: string | undefined,
): cluster.Node {
  const ready = nodes.filter(
    ({ state, grpcAddress }) => state === cluster.NodeState.NODE_STATE_READY && grpcAddress !== '',
  );
  if (named !== undefined) {
    const node = ready.find(({ name }) => name === named);
    if (node !== undefined) return node;
    const known = ready.map(({ name }) => printable(name)).join(', ') || 'none';
    throw new CliError(
      'bad-input',
      `there is no node ${printable(named)} that is ready; there are: ${known}`,
    );
  }
  const placement = new Placement(ready.map((node) => ({ ...node, state: 'ready' as const })));
  const holders = new Set(placement.holders(publication.name, publication.replicas));
  const room = ({ diskBudget, diskUsed }: cluster.Node): number => diskBudget - diskUsed;
  const [best] = ready.filter(({ name }) => holders.has(name)).sort((a, b) => room(b) - room(a));
  if (best === undefined)
    throw new CliError('unreachable', 'no node is ready to take it; see pixtorrent status');
  return best;
}
