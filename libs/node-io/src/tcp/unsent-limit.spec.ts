import { expect, it } from 'vitest';
import { UnsentLimit } from './unsent-limit.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

it('is 32 KiB for slow connections, and a millisecond of those that are faster', () => {
  let now = 1000;
  const set: number[] = [];
  const limit = new UnsentLimit((bytes) => set.push(bytes), { now: () => now });
  const pass = (rate: number, milliseconds: number): void => {
    for (let i = 0; i < milliseconds; i += 10) {
      now += 10;
      limit.taken(rate * 10);
    }
  };
  // Bytes a millisecond.
  pass(20_000, 500);
  expect(set).toEqual([32 * KIB]);
  pass(800_000, 500);
  expect(set.at(-1)).toBe(MIB);
  pass(5_000_000, 500);
  expect(set.at(-1)).toBe(4 * MIB);
  pass(20_000, 500);
  expect(set.at(-1)).toBe(32 * KIB);
  expect(set.length).toBeLessThan(8);
});
