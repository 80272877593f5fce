import { expect, it } from 'vitest';
import { RecentLatency } from './recent-latency.ts';

const bounds = [1, 10, 100];

it('is the bound that 99 of 100 do not exceed, of what was counted within a minute', () => {
  const latency = new RecentLatency();
  const at = (seconds: number, ...counts: number[]) =>
    latency.look({ bounds, counts, sum: 0 }, seconds * 1000);
  expect(at(0, 0, 0, 0, 0)).toBe(0);
  expect(at(2, 99, 1, 0, 0)).toBe(1);
  expect(at(4, 99, 2, 0, 0)).toBe(10);
  expect(at(6, 99, 2, 0, 50)).toBe(100);
  for (let seconds = 8; seconds < 60; seconds += 2) at(seconds, 99, 2, 0, 50);
  expect(at(80, 100, 2, 0, 50)).toBe(1);
  for (let seconds = 90; seconds < 160; seconds += 10) at(seconds, 100, 2, 0, 50);
  expect(at(160, 100, 2, 0, 50)).toBe(0);
});
