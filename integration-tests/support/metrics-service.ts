import { fileURLToPath } from 'node:url';
import { freePort } from './ports.ts';
import { Process } from './processes.ts';
import type { Scope } from './scope.ts';
import { isReady } from './tracker-service.ts';

const HOST = '127.0.0.1';
const MAIN = fileURLToPath(new URL('../../services/metrics/dist/main.js', import.meta.url));

export interface MetricsService {
  readonly process: Process;
  readonly grpc: number;
  readonly http: number;
}

/**
 * The metrics service as a process of its own, ready.
 * @param ports of one that ran before
 * @param env settings beside these
 */
export async function startMetricsService(
  scope: Scope,
  ports?: Pick<MetricsService, 'grpc' | 'http'>,
  env: Readonly<Record<string, string>> = {},
): Promise<MetricsService> {
  const { grpc, http } = ports ?? { grpc: await freePort(), http: await freePort() };
  const started = await Process.start(
    scope,
    'metrics service',
    [process.execPath, '--max-semi-space-size=8', MAIN],
    {
      env: {
        METRICS_HOST: HOST,
        METRICS_GRPC_PORT: String(grpc),
        METRICS_HTTP_PORT: String(http),
        METRICS_LOG_LEVEL: 'warn',
        ...env,
      },
    },
  );
  await started.until('ready', 30, () => isReady({ ops: http }));
  return { process: started, grpc, http };
}
