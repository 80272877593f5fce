import { Module } from '@nestjs/common';
import { HealthModule } from '../health/health.module.ts';
import { SwarmsController } from './swarms.controller.ts';

@Module({ imports: [HealthModule], controllers: [SwarmsController] })
export class HttpModule {}
