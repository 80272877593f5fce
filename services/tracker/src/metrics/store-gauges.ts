import type { Clock } from '@pixtorrent/core';
import type { Metrics } from '@pixtorrent/service-kit';
import type { PeerStore, SwarmTotals } from '@pixtorrent/tracker';

/** Milliseconds for which totals are good: metrics may be read by many, and a store may have to ask. */
const FRESH = 2000;
/** Milliseconds that a reader of metrics waits for totals; the last known stand in for them then. */
const LONGEST_WAIT = 500;

/** Swarms and peers, as the store knows them. */
export function addStoreGauges(metrics: Metrics, store: PeerStore, clock: Clock): void {
  const totals = cachedTotals(store, clock);
  const gauge = (name: string, help: string, read: (totals: SwarmTotals) => number): void => {
    metrics.gauge({
      name,
      help,
      async collect(own) {
        const known = await totals();
        if (known !== undefined) own.set(read(known));
      },
    });
  };
  gauge('swarms', 'Swarms with peers', ({ swarms }) => swarms);
  gauge('peers', 'Peers of all swarms', ({ seeders, leechers }) => seeders + leechers);
  gauge('seeders', 'Peers that have everything', ({ seeders }) => seeders);
  gauge('leechers', 'Peers that lack something', ({ leechers }) => leechers);
  gauge('downloads', 'Downloads completed in the swarms that are known now', ({ completed }) => completed);
}

/** The store is asked once at a time, and seldom. */
function cachedTotals(store: PeerStore, clock: Clock): () => Promise<SwarmTotals | undefined> {
  let known: SwarmTotals | undefined;
  let until = 0;
  let asking: Promise<void> | undefined;
  const ask = (): Promise<void> =>
    store
      .totals()
      .then((totals) => {
        known = totals;
        until = clock.now() + FRESH;
      })
      .catch(() => {})
      .finally(() => {
        asking = undefined;
      });
  return async () => {
    if (clock.now() < until) return known;
    asking ??= ask();
    let timer: NodeJS.Timeout | undefined;
    const tired = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LONGEST_WAIT);
    });
    await Promise.race([asking, tired]);
    clearTimeout(timer);
    return known;
  };
}
