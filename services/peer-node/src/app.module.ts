import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from '@pixtorrent/core';
import { configModule } from './config/config.module.ts';
import type { PeerConfig } from './config/peer-settings.ts';
import { GatewayModule } from './gateway/gateway.module.ts';
import { GrpcModule } from './grpc/grpc.module.ts';
import { metricsModule } from './metrics/metrics.module.ts';
import { NodeModule } from './node/node.module.ts';
import { ReportModule } from './report/report.module.ts';

@Module({})
class AppModule {}

/** The service, put together: peers can connect already, and nothing else listens yet. */
export function appModule(config: PeerConfig, logger: Logger): DynamicModule {
  return {
    module: AppModule,
    imports: [
      configModule(config, logger),
      metricsModule(),
      NodeModule,
      GatewayModule,
      GrpcModule,
      ReportModule,
    ],
  };
}
