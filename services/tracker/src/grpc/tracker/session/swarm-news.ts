import type { Clock, InfoHash, Timers } from '@pixtorrent/core';
import type { MemberChange, PeerStore } from '@pixtorrent/tracker';
import { endpointKey } from './endpoint-key.ts';
import { SwarmBatch } from './swarm-batch.ts';

/** Milliseconds between two messages of a swarm: what happens meanwhile is told together. */
const WINDOW = 5;
/** Changes of one swarm that wait to be told; with these it is told earlier. */
const MAX_CHANGES = 500;

/** A member of a swarm that wants to hear of the others. */
export interface SwarmListener {
  /** Where its peer is: it is not told of itself. */
  readonly endpoint: string;
  readonly seed: boolean;
  /** @param message a SessionResponse, encoded */
  tell(message: Buffer): void;
  /** The store has let its peer go, although it is there. */
  lost(): void;
}

export interface SwarmNewsDependencies {
  readonly store: Pick<PeerStore, 'watch'>;
  readonly clock: Clock;
  readonly timers: Timers;
}

interface Swarm {
  readonly infoHash: InfoHash;
  readonly listeners: Set<SwarmListener>;
  /** By endpoint: what was last heard of each. */
  readonly changes: Map<string, MemberChange>;
  readonly unwatch: () => void;
}

/** Tells all members of this process what happens in their swarms: each swarm is watched once, and encoded once. */
export class SwarmNews {
  readonly #dependencies: SwarmNewsDependencies;
  readonly #swarms = new Map<string, Swarm>();
  /** Those with something to tell. */
  readonly #waiting = new Set<Swarm>();
  #followed = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(dependencies: SwarmNewsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Swarms that are watched. */
  get swarms(): number {
    return this.#swarms.size;
  }

  /** Swarms that are followed, by each who does. */
  get followed(): number {
    return this.#followed;
  }

  /** @param key the info hash as text @returns what ends it */
  follow(infoHash: InfoHash, key: string, listener: SwarmListener): () => void {
    const swarm = this.#swarms.get(key) ?? this.#watch(infoHash, key);
    swarm.listeners.add(listener);
    this.#followed++;
    return () => {
      if (!swarm.listeners.delete(listener)) return;
      this.#followed--;
      if (swarm.listeners.size > 0) return;
      swarm.unwatch();
      this.#waiting.delete(swarm);
      this.#swarms.delete(key);
    };
  }

  #watch(infoHash: InfoHash, key: string): Swarm {
    const swarm: Swarm = {
      infoHash,
      listeners: new Set(),
      changes: new Map(),
      unwatch: this.#dependencies.store.watch(infoHash, (change) => this.#note(swarm, change)),
    };
    this.#swarms.set(key, swarm);
    return swarm;
  }

  #note(swarm: Swarm, change: MemberChange): void {
    swarm.changes.set(endpointKey(change.address, change.port), change);
    if (swarm.changes.size >= MAX_CHANGES) {
      this.#waiting.delete(swarm);
      tell(swarm);
      return;
    }
    if (this.#waiting.size === 0) this.#schedule();
    this.#waiting.add(swarm);
  }

  /** Who comes after a pause is told of at once, together with who comes in the same moment. */
  #schedule(): void {
    const { clock, timers } = this.#dependencies;
    timers.after(Math.max(0, this.#toldAt + WINDOW - clock.now()), () => {
      this.#toldAt = clock.now();
      const swarms = [...this.#waiting];
      this.#waiting.clear();
      for (const swarm of swarms) tell(swarm);
    });
  }
}

function tell(swarm: Swarm): void {
  const { listeners, changes, infoHash } = swarm;
  const batch = new SwarmBatch(infoHash, changes);
  const lost: SwarmListener[] = [];
  for (const listener of listeners) {
    const message = batch.messageFor(listener);
    if (message !== undefined) listener.tell(message);
    if (changes.get(listener.endpoint)?.type === 'left') lost.push(listener);
  }
  changes.clear();
  for (const listener of lost) listener.lost();
}
