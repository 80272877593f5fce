import { toHex } from '@pixtorrent/core';
import type { SwarmFigures, SwarmHealth } from '@pixtorrent/swarm-health';

export interface RankedSwarms {
  readonly top: readonly SwarmFigures[];
  readonly others: readonly SwarmFigures[];
}

export type SwarmLabels = Readonly<Record<'info_hash' | 'name', string>>;

/** Swarms by how much somebody has to look at them, at the time of a scrape: all its metrics are of the same ones. */
export function topSwarms(health: SwarmHealth, most: number): () => RankedSwarms {
  return oncePerScrape(() => rankedSwarms(health, most));
}

const made = new WeakMap<SwarmFigures, SwarmLabels>();

/** The same object for the same figures: those of one scrape. */
export function labelsOf(figures: SwarmFigures): SwarmLabels {
  let labels = made.get(figures);
  if (labels === undefined) {
    labels = { info_hash: toHex(figures.infoHash), name: figures.name };
    made.set(figures, labels);
  }
  return labels;
}

/** Reads once for all metrics of a scrape. */
export function oncePerScrape<T>(read: () => T): () => T {
  let current: { readonly value: T } | undefined;
  return () => {
    if (current === undefined) {
      current = { value: read() };
      setImmediate(() => {
        current = undefined;
      });
    }
    return current.value;
  };
}

/** Those at risk come first, then those that move most. */
function rankedSwarms(health: SwarmHealth, most: number): RankedSwarms {
  const ranked = Array.from(health.swarms.values(), (swarm) => health.figures(swarm)).sort(
    (a, b) => risk(b) - risk(a) || b.downRate - a.downRate || b.received - a.received,
  );
  return { top: ranked.slice(0, most), others: ranked.slice(most) };
}

/** 3: something is lost; 2: something would be, with one node; 1: somebody waits. */
function risk({ availability, nodes, whole, stalled }: SwarmFigures): number {
  if (availability === 0) return 3;
  if (availability === 1 && nodes > 1) return 2;
  return stalled > 0 || whole < nodes ? 1 : 0;
}
