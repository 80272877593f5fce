import type { InfoHash } from '@pixtorrent/core';
import type { AnnounceRequest, ScrapeEntry } from '@pixtorrent/tracker-protocol';
import type { Asking, TrackerAnswer, TrackerLogic } from '../frontends/tracker-logic.ts';
import type { Admission } from './admission.ts';

/** A tracker for those who are admitted, whichever frontend they come by. */
export class AdmittingTracker implements TrackerLogic {
  readonly #tracker: TrackerLogic;
  readonly #admission: Admission;

  constructor(tracker: TrackerLogic, admission: Admission) {
    this.#tracker = tracker;
    this.#admission = admission;
  }

  announce(request: AnnounceRequest, asking: Asking): TrackerAnswer | Promise<TrackerAnswer> {
    this.#admission.admit(request.infoHash, asking);
    return this.#tracker.announce(request, asking);
  }

  async scrape(
    infoHashes: readonly InfoHash[],
    asking: Pick<Asking, 'frontend' | 'address' | 'announceKey'>,
  ): Promise<(ScrapeEntry | undefined)[]> {
    const admitted = this.#admission.admitEach(infoHashes, asking);
    if (!admitted.includes(false)) return this.#tracker.scrape(infoHashes, asking);
    const asked = infoHashes.filter((_, i) => admitted[i]);
    const entries = asked.length === 0 ? [] : await this.#tracker.scrape(asked, asking);
    let next = 0;
    return admitted.map((yes) => (yes ? entries[next++] : undefined));
  }
}
