import type { Holdings } from './holdings.ts';

/**
 * - `starting`: it listens, but does not serve yet
 * - `ready`
 * - `draining`: it takes no more work, and is about to leave
 */
export type NodeState = 'starting' | 'ready' | 'draining';

/** A peer-node as it last said that it is. */
export interface ClusterNode {
  /** Unique in the cluster, and the same after a restart. */
  readonly name: string;
  readonly state: NodeState;
  /** Where it runs; empty for unknown. */
  readonly zone: string;
  readonly machine: string;
  /** HOST:PORT each; empty where it has none. */
  readonly grpcAddress: string;
  readonly httpAddress: string;
  readonly peerAddress: string;
  /** Bytes of content that it may hold, and holds. */
  readonly diskBudget: number;
  readonly diskUsed: number;
  /** Milliseconds since 1970: when it registered first in this life. */
  readonly since: number;
  readonly holdings: Holdings;
}

/**
 * What is new of a node:
 * - `standing`: that it is there, its state, place, addresses or budget: what others decide by
 * - `usage`: how full it is, and maybe what it has
 * - `holdings`: only what it has
 */
export type News = 'standing' | 'usage' | 'holdings';

/** What `now` tells that `before` did not; undefined for nothing. */
export function newsOf(before: ClusterNode | undefined, now: ClusterNode): News | undefined {
  if (before === now) return undefined;
  if (before === undefined || !sameStanding(before, now)) return 'standing';
  if (before.diskUsed !== now.diskUsed) return 'usage';
  return before.holdings.equals(now.holdings) ? undefined : 'holdings';
}

function sameStanding(a: ClusterNode, b: ClusterNode): boolean {
  return (
    a.state === b.state &&
    a.zone === b.zone &&
    a.machine === b.machine &&
    a.grpcAddress === b.grpcAddress &&
    a.httpAddress === b.httpAddress &&
    a.peerAddress === b.peerAddress &&
    a.diskBudget === b.diskBudget &&
    a.since === b.since
  );
}
