import { Module } from '@nestjs/common';
import type { Logger } from '@pixtorrent/core';
import { systemTimers } from '@pixtorrent/service-kit';
import { CONFIG, LOGGER } from '../config/config.module.ts';
import type { PeerConfig } from '../config/peer-settings.ts';
import { AllowedHosts } from '../ingest/addresses.ts';
import { NodeModule } from '../node/node.module.ts';
import { PeerNode } from '../node/peer-node.ts';
import { version } from '../node/version.ts';
import { GrpcFrontend, PEER_SERVICE } from './grpc-frontend.ts';
import { type PeerService, peerService } from './peer-service.ts';

@Module({
  imports: [NodeModule],
  providers: [
    GrpcFrontend,
    {
      provide: PEER_SERVICE,
      inject: [CONFIG, PeerNode, LOGGER],
      useFactory: (config: PeerConfig, node: PeerNode, logger: Logger): PeerService =>
        peerService(
          {
            node,
            allowed: new AllowedHosts(config.ingestHosts),
            timers: systemTimers,
            logger: logger.child({ service: 'peer' }),
          },
          { version: version(), ingestDir: config.ingestDir, drainTimeout: config.drainTimeout },
        ),
    },
  ],
  exports: [GrpcFrontend],
})
export class GrpcModule {}
