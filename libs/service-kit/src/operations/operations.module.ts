import {
  Controller,
  type DynamicModule,
  Get,
  Header,
  HttpCode,
  HttpException,
  Inject,
  Module,
  StreamableFile,
} from '@nestjs/common';
import { Metrics } from '../metrics/metrics.ts';
import { Readiness, type ReadinessReport } from './readiness.ts';

@Controller()
class HealthController {
  readonly #readiness: Readiness;

  constructor(@Inject(Readiness) readiness: Readiness) {
    this.#readiness = readiness;
  }

  /** The process lives and its event loop turns. What it depends on is none of this: a restart would not mend that. */
  @Get('healthz')
  @Header('cache-control', 'no-store')
  @Header('content-type', 'text/plain; charset=utf-8')
  healthz(): string {
    return 'ok\n';
  }

  @Get('readyz')
  @Header('cache-control', 'no-store')
  @HttpCode(200)
  readyz(): ReadinessReport {
    const report = this.#readiness.report();
    if (report.status !== 'ready' && report.status !== 'degraded') throw new HttpException(report, 503);
    return report;
  }
}

@Controller()
class MetricsController {
  readonly #metrics: Metrics;

  constructor(@Inject(Metrics) metrics: Metrics) {
    this.#metrics = metrics;
  }

  @Get('metrics')
  @Header('cache-control', 'no-store')
  async metrics(): Promise<StreamableFile> {
    const text = await this.#metrics.read();
    return new StreamableFile(Buffer.from(text), { type: this.#metrics.contentType });
  }
}

@Module({})
class OperationsModule {}

/** `/healthz`, `/readyz` and `/metrics`, for whoever runs the service. */
export function operationsModule(readiness: Readiness, metrics: Metrics): DynamicModule {
  const providers = [
    { provide: Readiness, useValue: readiness },
    { provide: Metrics, useValue: metrics },
  ];
  const controllers = [HealthController, MetricsController];
  return { module: OperationsModule, global: true, providers, exports: providers, controllers };
}
