import type { Metrics } from './metrics.ts';

/** A metric that several users of the same `Metrics` share: made by the first of them. */
export function sharedMetric<T>(make: (metrics: Metrics) => T): (metrics: Metrics) => T {
  const made = new WeakMap<Metrics, T>();
  return (metrics) => {
    let metric = made.get(metrics);
    if (metric === undefined) {
      metric = make(metrics);
      made.set(metrics, metric);
    }
    return metric;
  };
}
