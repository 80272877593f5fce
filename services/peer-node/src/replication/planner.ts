import type { cluster } from '@pixtorrent/contracts';
import { type Clock, toHex } from '@pixtorrent/core';
import type { KnownEntry } from '../content/entry-record.ts';
import type { Torrents } from '../torrents/torrents.ts';
import type { ClusterView } from '../tracker/cluster-view.ts';
import { type Held, type Missing, type Plan, plan } from './plan.ts';
import { Wanted } from './wanted.ts';

export interface PlannerDependencies {
  readonly cluster: ClusterView;
  readonly torrents: Torrents;
  readonly wallClock: Clock;
  /** This node as it is now. */
  readonly node: () => cluster.Node;
  /** Bytes of content that may be here. */
  readonly budget: () => number;
}

/** Entries by the info hash, in hexadecimal, of their torrents. */
export type EntriesByTorrent = ReadonlyMap<string, readonly KnownEntry[]>;

/** Milliseconds for which a torrent is kept after it is not wanted here any more: news of others may be late. */
export const UNWANTED_GRACE = 60_000;

/** Says what is to come here and what may go, as things are now. */
export class Planner {
  readonly #deps: PlannerDependencies;
  /** By info hash: since when the torrent is not wanted here. */
  readonly #unwantedSince = new Map<string, number>();
  /** Info hashes of torrents that cannot be used here. */
  readonly #unusable = new Set<string>();
  /** Bytes that are kept free for what comes. */
  #reserved = 0;

  constructor(dependencies: PlannerDependencies) {
    this.#deps = dependencies;
  }

  /** Whether something is here that is not wanted. */
  get hasUnwanted(): boolean {
    return this.#unwantedSince.size > 0;
  }

  /** It is not asked for again as long as the catalogue has it. @param key info hash, in hexadecimal */
  unusable(key: string): void {
    this.#unusable.add(key);
  }

  /** Keeps so many bytes free. @returns what gives them back, once */
  reserve(bytes: number): () => void {
    let held = bytes;
    this.#reserved += held;
    return () => {
      this.#reserved -= held;
      held = 0;
    };
  }

  wanted(): Wanted {
    const self = this.#deps.node();
    return new Wanted(self.name, new Map(this.#deps.cluster.nodes).set(self.name, self));
  }

  /** @param asked what is to be here; what the catalogue wants where it is missing */
  plan(entries: EntriesByTorrent, asked?: ReadonlyMap<string, Missing>): Plan {
    const wanted = this.wanted();
    const held = this.#held(entries, wanted);
    for (const key of this.#unwantedSince.keys()) if (!held.has(key)) this.#unwantedSince.delete(key);
    for (const key of this.#unusable) if (!entries.has(key)) this.#unusable.delete(key);
    const room = this.#deps.budget() - this.#reserved;
    return plan(held, asked ?? this.#missing(entries, held, wanted), room);
  }

  #held(entries: EntriesByTorrent, wanted: Wanted): Map<string, Held> {
    const { cluster, torrents, wallClock } = this.#deps;
    const now = wallClock.now();
    const held = new Map<string, Held>();
    for (const { metainfo, lastUsed, pinned } of torrents.all()) {
      const key = toHex(metainfo.infoHash);
      const own = entries.get(key) ?? [];
      const here = pinned || own.length === 0 || own.some((entry) => wanted.here(entry));
      if (here) this.#unwantedSince.delete(key);
      else if (!this.#unwantedSince.has(key)) this.#unwantedSince.set(key, now);
      const patient = now - (this.#unwantedSince.get(key) ?? now) < UNWANTED_GRACE;
      const elsewhere = !here && !patient && cluster.settled && wanted.spareHere(metainfo.infoHash, own);
      held.set(key, { size: metainfo.length, lastUsed, wanted: here, elsewhere });
    }
    return held;
  }

  #missing(
    entries: EntriesByTorrent,
    held: ReadonlyMap<string, Held>,
    wanted: Wanted,
  ): ReadonlyMap<string, Missing> {
    const missing = new Map<string, Missing>();
    for (const [key, own] of entries) {
      if (held.has(key) || this.#unusable.has(key)) continue;
      const first = own.find((entry) => wanted.here(entry));
      if (first !== undefined) missing.set(key, { size: first.size, published: first.published });
    }
    return missing;
  }
}
