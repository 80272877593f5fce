import { Module } from '@nestjs/common';
import { Metrics, systemClock, systemTimers } from '@pixtorrent/service-kit';
import { SwarmHealth } from '@pixtorrent/swarm-health';
import { CONFIG } from '../config/config.module.ts';
import type { MetricsConfig } from '../config/metrics-settings.ts';
import { addClusterMetrics } from '../metrics/cluster-metrics.ts';
import { addSwarmMetrics } from '../metrics/swarm-metrics.ts';
import { Sweeper } from './sweeper.ts';

@Module({
  providers: [
    {
      provide: SwarmHealth,
      inject: [CONFIG, Metrics],
      useFactory: (config: MetricsConfig, metrics: Metrics): SwarmHealth => {
        const { maxNodes, maxSwarms, memory: maxBytes, topSwarms } = config;
        const health = new SwarmHealth({ clock: systemClock }, { maxNodes, maxSwarms, maxBytes });
        addClusterMetrics(metrics, health);
        addSwarmMetrics(metrics, health, topSwarms);
        return health;
      },
    },
    {
      provide: Sweeper,
      inject: [SwarmHealth],
      useFactory: (health: SwarmHealth) => new Sweeper(health, systemTimers),
    },
  ],
  exports: [SwarmHealth, Sweeper],
})
export class HealthModule {}
