import { runService } from '@pixtorrent/service-kit';
import { bootstrap } from './bootstrap.ts';
import { readTrackerConfig } from './config/tracker-settings.ts';

await runService('pixtorrent-tracker', async () => bootstrap(readTrackerConfig(process.env)));
