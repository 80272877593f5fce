import { type Random, shuffle } from '@pixtorrent/core';
import { keepsSessions } from './announce.ts';
import { SessionLife } from './session-life.ts';

/** What is remembered of one tracker between announces. */
export interface Tracker {
  readonly url: string;
  /** It knows of us: it has answered an announce `started`, or may have got one. */
  started: boolean;
  /** What it gave as `tracker id`. */
  trackerId: string | undefined;
  /** There where it keeps sessions. */
  readonly session: SessionLife | undefined;
}

/**
 * The trackers of a torrent in their order of use (BEP 12): tiers one after the other, shuffled within, and what
 * works moves to the front of its tier.
 */
export class TrackerTiers {
  readonly #tiers: Tracker[][];

  constructor(tiers: readonly (readonly string[])[], random: Random) {
    const seen = new Set<string>();
    this.#tiers = tiers.map((urls) => {
      const tier: Tracker[] = [];
      for (const url of urls) {
        if (seen.has(url)) continue;
        seen.add(url);
        const session = keepsSessions(url) ? new SessionLife(random) : undefined;
        tier.push({ url, started: false, trackerId: undefined, session });
      }
      shuffle(tier, random);
      return tier;
    });
  }

  /** A copy of the present order. */
  inOrder(): Tracker[] {
    return this.#tiers.flat();
  }

  /** It works: the next round begins with it, as far as its tier is concerned. */
  promote(tracker: Tracker): void {
    for (const tier of this.#tiers) {
      const at = tier.indexOf(tracker);
      if (at > 0) tier.unshift(...tier.splice(at, 1));
    }
  }
}
