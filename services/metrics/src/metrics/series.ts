import type { Metrics } from '@pixtorrent/service-kit';
import type { Metric } from 'prom-client';

export interface Sample {
  /** An object that other series have too is put into words once for all of them. */
  readonly sharedLabels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface SeriesOptions {
  readonly type: 'gauge' | 'counter';
  /** In full. */
  readonly name: string;
  readonly help: string;
}

/**
 * A metric of many series that is made anew whenever metrics are read. What `prom-client` keeps of each between two scrapes
 * would be thousands of objects to throw away each time.
 */
export function addSeries(
  { registry }: Metrics,
  { type, name, help }: SeriesOptions,
  read: () => readonly Sample[],
): void {
  const metric = { type, name, help, aggregator: 'sum' };
  const get = async () => ({ ...metric, values: read() });
  registry.registerMetric({ ...metric, get, reset() {} } as unknown as Metric);
}
