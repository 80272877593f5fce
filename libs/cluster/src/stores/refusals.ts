import { ClusterError } from '../errors.ts';

/** Why a store does not take a node. */
export type Refusal = 'nodes' | 'holdings' | 'replaced';

export function refusal(reason: Refusal, name: string): ClusterError {
  switch (reason) {
    case 'nodes':
      return new ClusterError('full', 'the cluster has no room for more nodes');
    case 'holdings':
      return new ClusterError('full', `the cluster has no room for all that ${name} has`);
    case 'replaced':
      return new ClusterError('replaced', `${name} has been registered anew since`);
  }
}

export function closed(): ClusterError {
  return new ClusterError('closed', 'the store of nodes has been closed');
}
