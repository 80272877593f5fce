import { Module } from '@nestjs/common';
import { Metrics, systemClock, systemTimers } from '@pixtorrent/service-kit';
import { SwarmHealth } from '@pixtorrent/swarm-health';
import { CONFIG } from '../config/config.module.ts';
import type { MetricsConfig } from '../config/metrics-settings.ts';
import { addClusterMetrics } from '../metrics/cluster-metrics.ts';
import { addDeliveryMetrics, Deliveries } from '../metrics/deliveries.ts';
import { addLinkSeries } from '../metrics/link-series.ts';
import { Links } from '../metrics/links.ts';
import { addNodeSeries } from '../metrics/node-series.ts';
import { addSwarmMetrics } from '../metrics/swarm-metrics.ts';
import { topSwarms } from '../metrics/top-swarms.ts';
import { Sweeper } from './sweeper.ts';

@Module({
  providers: [
    {
      provide: Links,
      inject: [CONFIG],
      useFactory: ({ nodeSeries }: MetricsConfig) => new Links(nodeSeries),
    },
    {
      provide: SwarmHealth,
      inject: [CONFIG, Metrics, Links],
      useFactory: (config: MetricsConfig, metrics: Metrics, links: Links): SwarmHealth => {
        const { maxNodes, maxSwarms, memory: maxBytes } = config;
        const health = new SwarmHealth({ clock: systemClock }, { maxNodes, maxSwarms, maxBytes });
        addClusterMetrics(metrics, health);
        addDeliveryMetrics(metrics, new Deliveries(health, systemClock, config.targetRate));
        const swarms = topSwarms(health, config.topSwarms);
        addSwarmMetrics(metrics, swarms);
        addNodeSeries(metrics, health, swarms, config.nodeSeries);
        addLinkSeries(metrics, health, swarms, links);
        return health;
      },
    },
    {
      provide: Sweeper,
      inject: [SwarmHealth],
      useFactory: (health: SwarmHealth) => new Sweeper(health, systemTimers),
    },
  ],
  exports: [SwarmHealth, Sweeper, Links],
})
export class HealthModule {}
