import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from '@pixtorrent/core';
import { configModule } from './config/config.module.ts';
import type { MetricsConfig } from './config/metrics-settings.ts';
import { GrpcModule } from './grpc/grpc.module.ts';
import { HealthModule } from './health/health.module.ts';
import { HttpModule } from './http/http.module.ts';
import { metricsModule } from './metrics/metrics.module.ts';
import { PageModule } from './page/page.module.ts';
import { TrackerModule } from './tracker/tracker.module.ts';

@Module({})
class AppModule {}

/** The service, put together; nothing listens yet. */
export function appModule(config: MetricsConfig, logger: Logger): DynamicModule {
  return {
    module: AppModule,
    imports: [
      configModule(config, logger),
      metricsModule(),
      HealthModule,
      HttpModule,
      TrackerModule,
      PageModule,
      GrpcModule,
    ],
  };
}
