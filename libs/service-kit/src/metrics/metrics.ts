import {
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type LabelValues,
  type Metric,
  type MetricValueWithName,
  Registry,
} from 'prom-client';

/** What all metrics have: a name without its prefix, and what it says. */
interface MetricOptions<Label extends string> {
  readonly name: string;
  readonly help: string;
  /** @default none */
  readonly labels?: readonly Label[];
}

export interface CounterOptions<Label extends string> extends MetricOptions<Label> {
  /** What has been counted elsewhere, read whenever metrics are: where counting has to cost next to nothing. */
  readonly read?: () => Iterable<{ readonly labels: Record<Label, string>; readonly count: number }>;
}

export interface GaugeOptions<Label extends string> extends MetricOptions<Label> {
  /** Sets the gauge whenever metrics are read. Where it fails, the gauge tells nothing, and the others tell on. */
  readonly collect?: (gauge: Gauge<Label>) => void | Promise<void>;
}

export interface HistogramOptions<Label extends string> extends MetricOptions<Label> {
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
}

/** What has been observed elsewhere of one set of labels. */
export interface Observed<Label extends string> {
  readonly labels: Record<Label, string>;
  /** How many fell in each bucket and none before it; one more than there are buckets. */
  readonly counts: ArrayLike<number>;
  readonly sum: number;
}

export interface ObservedOptions<Label extends string> extends HistogramOptions<Label> {
  /** Called whenever metrics are read. */
  readonly read: () => Iterable<Observed<Label>>;
}

/** The metrics of one service, all named `pixtorrent_<service>_…`. */
export class Metrics {
  readonly registry = new Registry();
  readonly #prefix: string;

  /** @param service a word of a-z and `_`. Memory, processor, garbage collection and event-loop delay are there at once. */
  constructor(service: string) {
    this.#prefix = `pixtorrent_${service}_`;
    collectDefaultMetrics({ register: this.registry, prefix: this.#prefix });
  }

  counter<Label extends string = never>(options: CounterOptions<Label>): Counter<Label> {
    const { read } = options;
    return new Counter<Label>({
      ...this.#common(options),
      ...(read !== undefined && {
        collect() {
          const own = this as Counter<Label>;
          own.reset();
          for (const { labels, count } of read()) own.inc(labels as LabelValues<Label>, count);
        },
      }),
    });
  }

  gauge<Label extends string = never>(options: GaugeOptions<Label>): Gauge<Label> {
    const { collect, labels = [] } = options;
    return new Gauge<Label>({
      ...this.#common(options),
      ...(collect !== undefined && {
        async collect() {
          try {
            await collect(this as Gauge<Label>);
          } catch {
            if (labels.length > 0) this.reset();
            else this.set(Number.NaN);
          }
        },
      }),
    });
  }

  histogram<Label extends string = never>(options: HistogramOptions<Label>): Histogram<Label> {
    return new Histogram({ ...this.#common(options), buckets: [...options.buckets] });
  }

  /** A histogram that is kept elsewhere, where observing has to cost next to nothing. */
  observed<Label extends string = never>(options: ObservedOptions<Label>): void {
    const { name, help } = this.#common(options);
    const { buckets, read } = options;
    const metric = { name, help, type: 'histogram', aggregator: 'sum' };
    const get = async () => ({ ...metric, values: [...read()].flatMap((one) => lines(name, buckets, one)) });
    this.registry.registerMetric({ ...metric, get, reset() {} } as unknown as Metric);
  }

  /** All of them in the text format of Prometheus. */
  read(): Promise<string> {
    return this.registry.metrics();
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  #common<Label extends string>({ name, help, labels = [] }: MetricOptions<Label>) {
    return {
      name: `${this.#prefix}${name}`,
      help,
      labelNames: [...labels],
      registers: [this.registry],
    };
  }
}

function lines<Label extends string>(
  name: string,
  buckets: readonly number[],
  { labels, counts, sum }: Observed<Label>,
): MetricValueWithName<string>[] {
  const values: MetricValueWithName<string>[] = [];
  let count = 0;
  for (let i = 0; i <= buckets.length; i++) {
    count += counts[i]!;
    const le = i === buckets.length ? '+Inf' : String(buckets[i]);
    values.push({ metricName: `${name}_bucket`, labels: { le, ...labels }, value: count });
  }
  values.push({ metricName: `${name}_sum`, labels, value: sum });
  values.push({ metricName: `${name}_count`, labels, value: count });
  return values;
}
