import { describe, expect, it } from 'vitest';
import { Turns } from './turns.ts';

describe('turns', () => {
  it('come one after the other for a key, at once for others, and after a failure too', async () => {
    const turns = new Turns<number>();
    const log: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = turns.take(1, async () => {
      log.push('first begins');
      await gate.promise;
      log.push('first ends');
      throw new Error('first failed');
    });
    const second = turns.take(1, async () => log.push('second'));
    await turns.take(2, async () => log.push('other'));
    expect(log).toEqual(['first begins', 'other']);
    gate.resolve();
    await expect(first).rejects.toThrow('first failed');
    await second;
    expect(log).toEqual(['first begins', 'other', 'first ends', 'second']);
  });
});
