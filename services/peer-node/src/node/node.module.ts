import { Module } from '@nestjs/common';
import type { Logger } from '@pixtorrent/core';
import { type CheckResult, Metrics, Readiness } from '@pixtorrent/service-kit';
import { Access } from '../access/access.ts';
import { CONFIG, LOGGER } from '../config/config.module.ts';
import type { PeerConfig } from '../config/peer-settings.ts';
import { addClientMetrics } from '../metrics/client-metrics.ts';
import { addNodeMetrics } from '../metrics/node-metrics.ts';
import { NodeTls } from './node-tls.ts';
import { PeerNode } from './peer-node.ts';

@Module({
  providers: [
    {
      provide: NodeTls,
      inject: [CONFIG, Metrics, LOGGER],
      useFactory: (config: PeerConfig, metrics: Metrics, logger: Logger) =>
        new NodeTls(config, metrics, logger),
    },
    {
      provide: Access,
      inject: [CONFIG, Metrics, LOGGER],
      useFactory: (config: PeerConfig, metrics: Metrics, logger: Logger) =>
        new Access(config, metrics, logger),
    },
    {
      provide: PeerNode,
      inject: [CONFIG, NodeTls, LOGGER, Readiness, Metrics],
      useFactory: async (
        config: PeerConfig,
        tls: NodeTls,
        logger: Logger,
        readiness: Readiness,
        metrics: Metrics,
      ): Promise<PeerNode> => {
        const node = await PeerNode.open(config, tls, logger);
        addClientMetrics(metrics, node.client);
        addNodeMetrics(metrics, node);
        readiness.add('tracker', () => trackerCheck(node));
        readiness.add('disk', () => diskCheck(node));
        return node;
      },
    },
  ],
  exports: [NodeTls, Access, PeerNode],
})
export class NodeModule {}

function trackerCheck({ registered, catalogue, cluster }: PeerNode): CheckResult {
  return registered && catalogue.current && cluster.current
    ? { status: 'ok' }
    : { status: 'degraded', reason: 'the tracker service does not answer' };
}

function diskCheck({ disk, replicator }: PeerNode): CheckResult {
  if (disk.fault !== undefined) return { status: 'failed', reason: disk.fault };
  if (disk.full) return { status: 'degraded', reason: 'the disk is full' };
  if (replicator.figures.waiting > 0)
    return { status: 'degraded', reason: 'there is no room for what should be here' };
  return { status: 'ok' };
}
