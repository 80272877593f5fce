import { ClusterError, type ClusterNode, type Holding, type NodeState } from '@pixtorrent/cluster';
import { cluster as wire } from '@pixtorrent/contracts';
import { unreachable } from '@pixtorrent/core';
import { StatusError } from '@pixtorrent/service-kit';

/** Milliseconds after which a store that is away is worth asking again. */
const STORE_PAUSE = 1000;

export function nodeMessage(node: ClusterNode, withHoldings: boolean): wire.Node {
  const { state, since, holdings, ...rest } = node;
  return {
    ...rest,
    state: stateMessage(state),
    sinceMs: since,
    holdings: withHoldings ? Array.from(holdings, holdingMessage) : [],
  };
}

export const SYNCED = encoded({ event: { $case: 'synced', synced: {} } });

export function goneEvent(name: string): Buffer {
  return encoded({ event: { $case: 'gone', gone: name } });
}

/** Events of nodes, encoded once for all who watch. */
export class NodeEvents {
  readonly #bare = new WeakMap<ClusterNode, Buffer>();
  readonly #full = new WeakMap<ClusterNode, Buffer>();

  of(node: ClusterNode, withHoldings: boolean): Buffer {
    const known = withHoldings ? this.#full : this.#bare;
    let event = known.get(node);
    if (event === undefined) {
      event = encoded({ event: { $case: 'node', node: nodeMessage(node, withHoldings) } });
      known.set(node, event);
    }
    return event;
  }
}

/** How a call ends where the cluster could not do what it asks. */
export function statusOf(error: unknown): StatusError | undefined {
  if (!(error instanceof ClusterError)) return undefined;
  switch (error.code) {
    case 'full':
      return new StatusError('RESOURCE_EXHAUSTED', error.message);
    case 'replaced':
      return new StatusError('ABORTED', error.message);
    case 'unavailable':
    case 'closed':
      return new StatusError('UNAVAILABLE', error.message, { retryAfter: STORE_PAUSE });
    default:
      return unreachable(error.code);
  }
}

function encoded(message: wire.WatchNodesResponse): Buffer {
  return Buffer.from(wire.WatchNodesResponse.encode(message).finish());
}

function holdingMessage({ infoHash, ...figures }: Holding): wire.Holding {
  return { infoHash: Buffer.from(infoHash.buffer, infoHash.byteOffset, infoHash.byteLength), ...figures };
}

function stateMessage(state: NodeState): wire.NodeState {
  switch (state) {
    case 'starting':
      return wire.NodeState.NODE_STATE_STARTING;
    case 'ready':
      return wire.NodeState.NODE_STATE_READY;
    case 'draining':
      return wire.NodeState.NODE_STATE_DRAINING;
    default:
      return unreachable(state);
  }
}
