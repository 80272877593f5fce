import { type DynamicModule, Module } from '@nestjs/common';
import { Metrics, operationsModule, Readiness } from '@pixtorrent/service-kit';

@Module({})
class MetricsModule {}

/** What is counted, and the endpoints that tell it. */
export function metricsModule(): DynamicModule {
  return {
    module: MetricsModule,
    global: true,
    imports: [operationsModule(new Readiness(), new Metrics('metrics'))],
  };
}
