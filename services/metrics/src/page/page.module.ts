import { Module } from '@nestjs/common';
import { Metrics, systemClock, systemTimers } from '@pixtorrent/service-kit';
import { SwarmHealth } from '@pixtorrent/swarm-health';
import { HealthModule } from '../health/health.module.ts';
import { EventFeeds } from './event-feeds.ts';
import { PAGE_FILES, PageController } from './page.controller.ts';
import { readPageFiles } from './page-files.ts';

@Module({
  imports: [HealthModule],
  controllers: [PageController],
  providers: [
    { provide: PAGE_FILES, useFactory: readPageFiles },
    {
      provide: EventFeeds,
      inject: [SwarmHealth, Metrics],
      useFactory: (health: SwarmHealth, metrics: Metrics) =>
        new EventFeeds({ health, metrics, clock: systemClock, timers: systemTimers }),
    },
  ],
})
export class PageModule {}
