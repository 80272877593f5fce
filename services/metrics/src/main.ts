import { runService } from '@pixtorrent/service-kit';
import { bootstrap } from './bootstrap.ts';
import { readMetricsConfig } from './config/metrics-settings.ts';

await runService('pixtorrent-metrics', async () => bootstrap(readMetricsConfig(process.env)));
