import { Module } from '@nestjs/common';
import type { Logger } from '@pixtorrent/core';
import { Readiness } from '@pixtorrent/service-kit';
import { CONFIG, LOGGER } from '../config/config.module.ts';
import type { PeerConfig } from '../config/peer-settings.ts';
import { PeerNode } from './peer-node.ts';

@Module({
  providers: [
    {
      provide: PeerNode,
      inject: [CONFIG, LOGGER, Readiness],
      useFactory: async (config: PeerConfig, logger: Logger, readiness: Readiness): Promise<PeerNode> => {
        const node = await PeerNode.open(config, logger);
        readiness.add('tracker', () =>
          node.registered && node.catalogue.current && node.cluster.current
            ? { status: 'ok' }
            : { status: 'degraded', reason: 'the tracker service does not answer' },
        );
        readiness.add('disk', () =>
          node.replicator.figures.waiting > 0
            ? { status: 'degraded', reason: 'there is no room for what should be here' }
            : { status: 'ok' },
        );
        return node;
      },
    },
  ],
  exports: [PeerNode],
})
export class NodeModule {}
