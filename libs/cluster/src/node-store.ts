import type { ClusterNode } from './cluster-node.ts';

/** On which terms a node is kept. */
export interface Lease {
  /** Who speaks for the node: another text for each registration of the name, wherever it is made. */
  readonly holder: string;
  /** Milliseconds for which it is kept unless it is put again. */
  readonly goodFor: number;
  /** Whether it takes the place of whoever has the name: the newer registration wins. */
  readonly takesOver: boolean;
}

export type NodeChange =
  /** New, or changed; a node that is put again as it was is no change. */
  | { readonly type: 'node'; readonly node: ClusterNode }
  | { readonly type: 'gone'; readonly name: string }
  /** Changes may have been missed: what is known is to be read again. */
  | { readonly type: 'lost' };

/** Where the nodes are kept; `node-store.suite.ts` says in full what every store does. */
export interface NodeStore {
  /**
   * Keeps a node for the time of its lease. Atomic.
   * @throws ClusterError `full`; `replaced` where another has the name and it is not to be taken over; `unavailable`
   */
  put(node: ClusterNode, lease: Lease): Promise<void>;
  /** Forgets a node at once, if `holder` has the name. @throws ClusterError */
  remove(name: string, holder: string): Promise<void>;
  /** All nodes, in no order. @throws ClusterError */
  list(): Promise<ClusterNode[]>;
  /**
   * Has `listener`, which does not throw, hear of each change from now on, whichever process makes it, and of nodes
   * whose time has run out without that anybody asks. Changes of one node come in their order. Whoever wants to know
   * everything watches first, then reads, and reads again on `lost`, which also comes once where the store had to be
   * connected first.
   * @returns what ends it
   */
  watch(listener: (change: NodeChange) => void): () => void;
  /** Ends what the store does by itself. What is asked afterwards fails. */
  close(): Promise<void>;
}
