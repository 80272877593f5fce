import { randomInt } from 'node:crypto';
import { Module } from '@nestjs/common';
import { type Logger, SeededRandom } from '@pixtorrent/core';
import { Metrics, systemClock, systemTimers, wallClock } from '@pixtorrent/service-kit';
import { CONFIG, LOGGER } from '../config/config.module.ts';
import type { PeerConfig } from '../config/peer-settings.ts';
import { NodeModule } from '../node/node.module.ts';
import { NodeTls } from '../node/node-tls.ts';
import { PeerNode } from '../node/peer-node.ts';
import { addReportMetrics } from './report-metrics.ts';
import { Reporter } from './reporter.ts';

/** The reporter; undefined where there is no service to report to. */
export const REPORTER = Symbol('Reporter');

@Module({
  imports: [NodeModule],
  providers: [
    {
      provide: REPORTER,
      inject: [CONFIG, PeerNode, NodeTls, Metrics, LOGGER],
      useFactory: (
        config: PeerConfig,
        node: PeerNode,
        tls: NodeTls,
        metrics: Metrics,
        logger: Logger,
      ): Reporter | undefined => {
        const { metrics: address, name, zone } = config;
        if (address === undefined) return undefined;
        const reporter = new Reporter(
          {
            node,
            credentials: tls.tracker,
            clock: systemClock,
            wallClock,
            timers: systemTimers,
            random: new SeededRandom(randomInt(2 ** 47)),
            logger: logger.child({ component: 'report' }),
          },
          { address, name, zone },
        );
        addReportMetrics(metrics, reporter);
        return reporter;
      },
    },
  ],
  exports: [REPORTER],
})
export class ReportModule {}
