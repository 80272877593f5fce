export type { BootstrapDependencies, MetricsPorts, RunningMetricsService } from './bootstrap.ts';
export { bootstrap } from './bootstrap.ts';
export type { MetricsConfig } from './config/metrics-settings.ts';
export { metricsSettings, readMetricsConfig } from './config/metrics-settings.ts';
