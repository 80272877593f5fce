export { ConfigError } from '@pixtorrent/service-kit';
export type { BootstrapDependencies, RunningTrackerService, TrackerPorts } from './bootstrap.ts';
export { bootstrap } from './bootstrap.ts';
export type { TrackerConfig } from './config/tracker-settings.ts';
export { readTrackerConfig, trackerSettings } from './config/tracker-settings.ts';
export { catalogService } from './grpc/catalog/catalog-service.ts';
export { ClusterMetrics } from './grpc/cluster/cluster-metrics.ts';
export { clusterService } from './grpc/cluster/cluster-service.ts';
