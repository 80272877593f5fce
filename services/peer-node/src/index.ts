export type { BootstrapDependencies, PeerPorts, RunningPeerService } from './bootstrap.ts';
export { bootstrap } from './bootstrap.ts';
export type { PeerConfig } from './config/peer-settings.ts';
export { peerSettings, readPeerConfig } from './config/peer-settings.ts';
