import type { Metrics } from '@pixtorrent/service-kit';
import type { Asking } from '@pixtorrent/tracker';
import { LATENCY_BUCKETS } from './latencies.ts';
import { Tally } from './tally.ts';

type Tallies = Readonly<Record<Asking['frontend'], Tally>>;

/** What is counted of the tracker's work, by the frontend that it came in by. */
export class TrackerMetrics {
  readonly announces: Tallies = tallies();
  readonly scrapes: Tallies = tallies();

  constructor(metrics: Metrics) {
    metrics.counter({
      name: 'announces_total',
      help: 'Announces by frontend, event and result: ok, or why not',
      labels: ['frontend', 'event', 'result'],
      read: () =>
        counted(this.announces).map(({ frontend, asked, result, count }) => ({
          labels: { frontend, event: asked, result },
          count,
        })),
    });
    metrics.counter({
      name: 'scrapes_total',
      help: 'Scrapes by frontend and result: ok, or why not',
      labels: ['frontend', 'result'],
      read: () =>
        counted(this.scrapes).map(({ frontend, result, count }) => ({ labels: { frontend, result }, count })),
    });
    this.#addTimes(metrics, 'announce', this.announces);
    this.#addTimes(metrics, 'scrape', this.scrapes);
  }

  #addTimes(metrics: Metrics, question: string, by: Tallies): void {
    metrics.observed({
      name: `${question}_seconds`,
      help: `Time to answer, without the wire: ${question}`,
      labels: ['frontend'],
      buckets: LATENCY_BUCKETS,
      read: () =>
        Object.entries(by).map(([frontend, { latencies }]) => ({
          labels: { frontend },
          counts: latencies.counts,
          sum: latencies.sum,
        })),
    });
  }
}

function tallies(): Tallies {
  return { http: new Tally(), udp: new Tally(), grpc: new Tally() };
}

function counted(by: Tallies) {
  return Object.entries(by).flatMap(([frontend, tally]) =>
    [...tally.counts()].map((counts) => ({ frontend, ...counts })),
  );
}
