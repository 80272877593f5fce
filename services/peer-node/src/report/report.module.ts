import { randomInt } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { Module } from '@nestjs/common';
import { type Logger, SeededRandom } from '@pixtorrent/core';
import { Metrics, systemClock, systemTimers, wallClock } from '@pixtorrent/service-kit';
import { CONFIG, LOGGER } from '../config/config.module.ts';
import type { PeerConfig } from '../config/peer-settings.ts';
import { NodeModule } from '../node/node.module.ts';
import { NodeTls } from '../node/node-tls.ts';
import { PeerNode } from '../node/peer-node.ts';
import { addReportMetrics } from './report-metrics.ts';
import { Reporters } from './reporters.ts';

/** What reports this node; undefined where there is no service to report to. */
export const REPORTERS = Symbol('Reporters');

@Module({
  imports: [NodeModule],
  providers: [
    {
      provide: REPORTERS,
      inject: [CONFIG, PeerNode, NodeTls, Metrics, LOGGER],
      useFactory: (
        config: PeerConfig,
        node: PeerNode,
        tls: NodeTls,
        metrics: Metrics,
        logger: Logger,
      ): Reporters | undefined => {
        const { metrics: addresses, name, zone } = config;
        if (addresses.length === 0) return undefined;
        const reporters = new Reporters(
          {
            node,
            credentials: tls.tracker,
            lookup,
            clock: systemClock,
            wallClock,
            timers: systemTimers,
            random: new SeededRandom(randomInt(2 ** 47)),
            logger: logger.child({ component: 'report' }),
          },
          { addresses, name, zone },
        );
        addReportMetrics(metrics, reporters);
        return reporters;
      },
    },
  ],
  exports: [REPORTERS],
})
export class ReportModule {}
