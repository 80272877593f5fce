import { EventEmitter } from 'node:events';
import type { cluster } from '@pixtorrent/contracts';
import type { Timer, Timers } from '@pixtorrent/core';
import { KeptStream, type KeptStreamDependencies, type StreamProgress } from '@pixtorrent/service-kit';
import type { TrackerLink } from './tracker-link.ts';

export interface ClusterViewEvents {
  /** Who is there, or what somebody has, is not what it was. */
  changed: [];
}

/** Milliseconds for which nodes that were there are expected back by a service that does not know them any more. */
const DOUBT = 15_000;

/**
 * The nodes that are there, as far as this one knows. While the service is away the last that was known stands, and
 * for 15 s after it has come back without them: it may have lost its memory, and nodes that are taken for gone would
 * have everything moved about.
 */
export class ClusterView extends EventEmitter<ClusterViewEvents> {
  readonly #link: TrackerLink;
  readonly #timers: Timers;
  readonly #kept: KeptStream;
  #doubt: Timer | undefined;
  /** Of those that are known: whom the service has not told of. */
  #missing: ReadonlySet<string> = new Set();
  #nodes: ReadonlyMap<string, cluster.Node> = new Map();
  #first = Promise.withResolvers<void>();

  constructor(dependencies: KeptStreamDependencies & { readonly link: TrackerLink }) {
    super();
    this.#link = dependencies.link;
    this.#timers = dependencies.timers;
    this.#kept = new KeptStream('nodes', (progress) => this.#open(progress), dependencies);
  }

  /** By name. */
  get nodes(): ReadonlyMap<string, cluster.Node> {
    return this.#nodes;
  }

  /** Whether what is known is up to date. */
  get current(): boolean {
    return this.#kept.working;
  }

  /** Whether in addition nobody is only thought to be there because it was. */
  get settled(): boolean {
    return this.current && this.#missing.size === 0;
  }

  /** Fulfilled when all nodes have been told once. */
  whenKnown(): Promise<void> {
    return this.#first.promise;
  }

  close(): void {
    this.#doubt?.cancel();
    this.#kept.close();
  }

  #open(progress: StreamProgress) {
    const client = this.#link.cluster;
    const stream = client.watchNodes({ holdings: true });
    const nodes = new Map<string, cluster.Node>();
    const missing = new Set<string>();
    let synced = false;
    const giveUp = (): void => {
      for (const name of missing) nodes.delete(name);
      missing.clear();
      this.emit('changed');
    };
    stream.on('data', ({ event }: cluster.WatchNodesResponse) => {
      if (event?.$case === 'node') {
        nodes.set(event.node.name, event.node);
        missing.delete(event.node.name);
      } else if (event?.$case === 'gone') {
        nodes.delete(event.gone);
        missing.delete(event.gone);
      } else if (event?.$case === 'synced') {
        synced = true;
        for (const [name, node] of this.#nodes) {
          if (nodes.has(name)) continue;
          nodes.set(name, node);
          missing.add(name);
        }
        this.#nodes = nodes;
        this.#missing = missing;
        if (missing.size > 0) this.#doubt = this.#timers.after(DOUBT, giveUp);
        progress.works();
        this.#first.resolve();
      }
      if (synced) this.emit('changed');
    });
    const over = (reason: string): void => {
      this.#doubt?.cancel();
      // What changes from now on is a map of the next stream's.
      if (this.#nodes === nodes) this.#nodes = new Map(nodes);
      this.#link.next(client);
      progress.ended(reason);
    };
    stream.on('error', (error) => over(error.message));
    stream.on('end', () => over('the service ended it'));
    return { close: () => stream.cancel() };
  }
}
