import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from '@pixtorrent/core';
import type { MetricsConfig } from './metrics-settings.ts';

export const CONFIG = Symbol('MetricsConfig');
export const LOGGER = Symbol('Logger');

@Module({})
class ConfigModule {}

/** What every module may ask for: how the service is set up, and where its log lines go. */
export function configModule(config: MetricsConfig, logger: Logger): DynamicModule {
  const providers = [
    { provide: CONFIG, useValue: config },
    { provide: LOGGER, useValue: logger },
  ];
  return { module: ConfigModule, global: true, providers, exports: providers };
}
