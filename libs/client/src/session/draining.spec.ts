import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Stage } from '../fixtures/stage.ts';
import type { DrainProgress } from './draining.ts';

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open({ 'a.bin': 1_000_000, 'b.bin': 70_001 });
});

afterEach(() => stage.close());

describe('a session that drains', () => {
  it('knows what only it has, and waits until somebody else has it', async () => {
    const seeder = await stage.seeder();
    const { pieceCount } = stage.metainfo;
    expect(seeder.session.availability()).toEqual({
      rarest: 1,
      sole: pieceCount,
      soleBytes: stage.content.length,
    });
    const seen: DrainProgress[] = [];
    const drained = (async () => {
      for await (const progress of seeder.session.drain()) seen.push(progress);
    })();
    const { session } = await stage.leecher('target', [seeder.client]);
    await Promise.all([drained, once(session, 'complete')]);
    expect(seen[0]).toEqual({ sole: pieceCount, soleBytes: stage.content.length, takers: 0 });
    expect(seen.at(-1)).toMatchObject({ sole: 0, soleBytes: 0 });
    expect(session.availability()).toEqual({ rarest: 2, sole: 0, soleBytes: 0 });
  });

  it('tells that nobody takes what it has, and gives up when it is told to', async () => {
    const seeder = await stage.seeder();
    const progress = seeder.session.drain(AbortSignal.timeout(50));
    await expect(progress.next()).resolves.toMatchObject({ value: { takers: 0 } });
    await expect(progress.next()).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});
