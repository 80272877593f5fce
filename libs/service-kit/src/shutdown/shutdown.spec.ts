import { type LogFields, type Logger, silentLogger } from '@pixtorrent/core';
import { expect, it } from 'vitest';
import { Shutdown } from './shutdown.ts';

it('goes step by step, once, and past a step that fails', async () => {
  const done: string[] = [];
  const logged: (LogFields | undefined)[] = [];
  const logger: Logger = { ...silentLogger, error: (_, fields) => void logged.push(fields) };
  const shutdown = new Shutdown(logger, { timeout: 10_000 });
  shutdown.add({
    name: 'first',
    run: async () => {
      await new Promise(setImmediate);
      done.push('first');
    },
  });
  shutdown.add({
    name: 'second',
    run: () => {
      throw new Error('broken');
    },
  });
  shutdown.add({ name: 'third', run: () => done.push('third') });
  expect(await Promise.all([shutdown.run(), shutdown.run()])).toEqual(['done', 'done']);
  expect(done).toEqual(['first', 'third']);
  expect(logged).toEqual([{ step: 'second', reason: 'Error: broken' }]);
});

it('leaves a step that does not end behind at the deadline, and tells each how long it has', async () => {
  const shutdown = new Shutdown(silentLogger, { timeout: 50 });
  const given: number[] = [];
  shutdown.add({ name: 'quick', run: (remaining) => given.push(remaining) });
  shutdown.add({ name: 'endless', run: () => new Promise(() => {}) });
  shutdown.add({ name: 'never reached', run: (remaining) => given.push(remaining) });
  expect(await shutdown.run()).toBe('late');
  expect(given).toEqual([expect.closeTo(50, -1)]);
});
