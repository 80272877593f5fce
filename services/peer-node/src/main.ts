import { runService } from '@pixtorrent/service-kit';
import { bootstrap } from './bootstrap.ts';
import { readPeerConfig } from './config/peer-settings.ts';

await runService('pixtorrent-peer-node', async () => bootstrap(readPeerConfig(process.env)));
