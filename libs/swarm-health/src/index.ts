export { COPY_GROUPS } from './copies.ts';
export type { ReportErrorCode } from './errors.ts';
export { ReportError } from './errors.ts';
export type { HealthLimits } from './limits.ts';
export type {
  NodeCounters,
  NodeReport,
  PeerBytes,
  PieceReport,
  TorrentReport,
  TorrentShape,
  TransferCounters,
} from './report.ts';
export type { ReportAnswer, ReportStream } from './report-stream.ts';
export type { Swarm } from './swarm.ts';
export type { MemberFigures, SwarmFigures, TrackerFigures } from './swarm-figures.ts';
export type { ClusterFigures, Milliseconds } from './swarm-health.ts';
export { SwarmHealth } from './swarm-health.ts';
export type { TrackerCounts } from './tracked-swarms.ts';
export type { Warning, WarningCode } from './warnings.ts';
