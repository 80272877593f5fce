import { Module } from '@nestjs/common';
import { NodeModule } from '../node/node.module.ts';
import { Gateway } from './gateway.ts';

@Module({ imports: [NodeModule], providers: [Gateway], exports: [Gateway] })
export class GatewayModule {}
