import { Module } from '@nestjs/common';
import { HealthModule } from '../health/health.module.ts';
import { OpenapiController } from './openapi.controller.ts';
import { SwarmsController } from './swarms.controller.ts';

@Module({ imports: [HealthModule], controllers: [SwarmsController, OpenapiController] })
export class HttpModule {}
