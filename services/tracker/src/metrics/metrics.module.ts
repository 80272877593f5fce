import { type DynamicModule, Module } from '@nestjs/common';
import { Metrics, operationsModule, Readiness } from '@pixtorrent/service-kit';
import { TrackerMetrics } from './tracker-metrics.ts';

@Module({})
class MetricsModule {}

/** What is counted, and the endpoints that tell it. */
export function metricsModule(): DynamicModule {
  const metrics = new Metrics('tracker');
  const providers = [{ provide: TrackerMetrics, useValue: new TrackerMetrics(metrics) }];
  return {
    module: MetricsModule,
    global: true,
    imports: [operationsModule(new Readiness(), metrics)],
    providers,
    exports: providers,
  };
}
