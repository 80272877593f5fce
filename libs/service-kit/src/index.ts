export { BearerGuard } from './auth/bearer-guard.ts';
export type { TokenFileOptions, TokenVerdict } from './auth/bearer-tokens.ts';
export { BearerTokens, bearerTokens } from './auth/bearer-tokens.ts';
export type { RefusalsDependencies } from './auth/refusals.ts';
export { Refusals } from './auth/refusals.ts';
export type { Environment, ReadConfigOptions } from './config/read-config.ts';
export { readConfig } from './config/read-config.ts';
export type { ConfigOf, Setting, SettingOptions, Settings, ValueSchema } from './config/setting.ts';
export { optional, setting } from './config/setting.ts';
export type { HostAndPort } from './config/values.ts';
export {
  boolean,
  choice,
  duration,
  host,
  hostAndPort,
  list,
  listenPort,
  pemFile,
  pemPath,
  size,
  text,
  value,
  whole,
} from './config/values.ts';
export type { ConfigProblem } from './errors.ts';
export { ConfigError } from './errors.ts';
export type { WatchedFilesDependencies, WatchedFilesOptions } from './files/watched-files.ts';
export { WatchedFiles } from './files/watched-files.ts';
export type { GrpcLimits, GrpcServerOptions, GrpcService, GrpcTls } from './grpc/grpc-server.ts';
export { GrpcServer } from './grpc/grpc-server.ts';
export type { ErrorMapper } from './grpc/handlers.ts';
export { loggingFaults, toServiceError, unary } from './grpc/handlers.ts';
export type { KeptStreamDependencies, OpenedStream, StreamProgress } from './grpc/kept-stream.ts';
export { KeptStream } from './grpc/kept-stream.ts';
export { DETAILS_TRAILER } from './grpc/rich-status.ts';
export type { FieldViolation, StatusDetails, StatusName } from './grpc/status-error.ts';
export { InvalidArgument, invalid, StatusError } from './grpc/status-error.ts';
export type { ToldCallDependencies } from './grpc/told-call.ts';
export { ToldCall } from './grpc/told-call.ts';
export type { Teller } from './grpc/told-calls.ts';
export { ToldCalls } from './grpc/told-calls.ts';
export type { Problem } from './http/problem.ts';
export { writeProblem } from './http/problem.ts';
export type { JsonLoggerOptions, LogLevel } from './logging/json-logger.ts';
export { jsonLogger, LOG_LEVELS } from './logging/json-logger.ts';
export { NestLogger } from './logging/nest-logger.ts';
export type { GaugeOptions, HistogramOptions } from './metrics/metrics.ts';
export { Metrics } from './metrics/metrics.ts';
export { operationsModule } from './operations/operations.module.ts';
export { OperationsApp } from './operations/operations-app.ts';
export type { Check, CheckResult, ReadinessReport, ReadinessStatus } from './operations/readiness.ts';
export { Readiness } from './operations/readiness.ts';
export { connectRedis } from './redis/connect-redis.ts';
export type { RedisConfig, RedisUrl } from './redis/redis-config.ts';
export { checkRedis, redisConfigOf, redisSettings } from './redis/redis-config.ts';
export type { RunningService } from './run/run-service.ts';
export { runService } from './run/run-service.ts';
export type { ShutdownOptions, ShutdownResult, ShutdownStep } from './shutdown/shutdown.ts';
export { Shutdown } from './shutdown/shutdown.ts';
export { systemClock, systemTimers, wallClock } from './time/system.ts';
export type { TlsPem } from './tls/certificate-check.ts';
export type { TlsFilesOptions } from './tls/tls-files.ts';
export { TlsFiles } from './tls/tls-files.ts';
