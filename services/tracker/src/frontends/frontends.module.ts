import { Module } from '@nestjs/common';
import { TrackerModule } from '../tracker/tracker.module.ts';
import { Frontends } from './frontends.ts';

@Module({ imports: [TrackerModule], providers: [Frontends], exports: [Frontends] })
export class FrontendsModule {}
