import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What all metrics have: a name without its prefix, and what it says. */
interface MetricOptions<Label extends string> {
  readonly name: string;
  readonly help: string;
  /** @default none */
  readonly labels?: readonly Label[];
}

export interface GaugeOptions<Label extends string> extends MetricOptions<Label> {
  /** Sets the gauge whenever metrics are read. Where it fails, the gauge tells nothing, and the others tell on. */
  readonly collect?: (gauge: Gauge<Label>) => void | Promise<void>;
}

export interface HistogramOptions<Label extends string> extends MetricOptions<Label> {
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
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

  counter<Label extends string = never>(options: MetricOptions<Label>): Counter<Label> {
    return new Counter({ ...this.#common(options) });
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
