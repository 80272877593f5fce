import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from '@pixtorrent/core';
import { configModule } from './config/config.module.ts';
import type { TrackerConfig } from './config/tracker-settings.ts';
import { FrontendsModule } from './frontends/frontends.module.ts';
import { GrpcModule } from './grpc/grpc.module.ts';
import { metricsModule } from './metrics/metrics.module.ts';

@Module({})
class AppModule {}

/** The service, put together; nothing listens yet. */
export function appModule(config: TrackerConfig, logger: Logger): DynamicModule {
  return {
    module: AppModule,
    imports: [configModule(config, logger), metricsModule(), FrontendsModule, GrpcModule],
  };
}
