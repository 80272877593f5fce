import { describe, expect, it } from 'vitest';
import { RateMeter } from './rate-meter.ts';

describe('a rate', () => {
  it('is right from the first second on, and stays right', () => {
    const meter = new RateMeter(500);
    for (let now = 510; now <= 60_500; now += 10) {
      meter.add(10_000, now);
      if (now >= 1500 && now % 500 === 0) expect(meter.rate(now) / 1_000_000).toBeCloseTo(1, 1);
    }
    expect(meter.total).toBe(6000 * 10_000);
  });

  it('follows a change within some seconds, and falls to nothing', () => {
    const meter = new RateMeter(0);
    for (let now = 0; now < 20_000; now += 10) meter.add(10_000, now);
    for (let now = 20_000; now < 32_000; now += 10) meter.add(1000, now);
    expect(meter.rate(32_000)).toBeLessThan(150_000);
    expect(meter.rate(80_000)).toBeLessThan(1);
  });

  it('of nothing is 0, and of one block is no more than the block in that time', () => {
    const meter = new RateMeter(0);
    expect(meter.rate(0)).toBe(0);
    meter.add(16_384, 0);
    expect(meter.rate(0)).toBeLessThan(16_384 * 25);
  });
});
