export { descriptors } from './generated/descriptors.ts';
export * as catalog from './generated/pixtorrent/catalog/v1/catalog.ts';
export * as cluster from './generated/pixtorrent/cluster/v1/cluster.ts';
export * as metrics from './generated/pixtorrent/metrics/v1/metrics.ts';
export * as peer from './generated/pixtorrent/peer/v1/peer.ts';
export * as tracker from './generated/pixtorrent/tracker/v1/tracker.ts';
