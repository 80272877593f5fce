import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket, takeFromAll, waitForAll } from './token-bucket.ts';

/** Takes as much as is let through for `duration` ms. @returns bytes */
function drain(
  buckets: readonly TokenBucket[],
  sizes: readonly number[],
  duration: number,
  start = 0,
): number {
  let now = start;
  let taken = 0;
  for (let i = 0; ; i++) {
    const wait = waitForAll(buckets, now);
    now += wait;
    if (now >= start + duration) return taken;
    const size = sizes[i % sizes.length]!;
    takeFromAll(buckets, size, now);
    taken += size;
  }
}

/** Bounded so that no run takes more than some 25,000 blocks. */
const RATE = fc.integer({ min: 1000, max: 50_000_000 });
const SIZES = fc.array(fc.integer({ min: 4096, max: 1_048_576 }), { minLength: 1, maxLength: 20 });

describe('a limit', () => {
  it('is kept over time, whatever the size of the blocks', () => {
    fc.assert(
      fc.property(RATE, SIZES, (rate, sizes) => {
        const largest = Math.max(...sizes);
        const duration = 2000 + (largest / rate) * 20_000;
        const taken = drain([new TokenBucket(rate, 0)], sizes, duration);
        const allowed = (rate * duration) / 1000;
        expect(taken).toBeLessThanOrEqual(allowed * 1.01 + rate / 10 + largest);
        expect(taken).toBeGreaterThan(allowed * 0.9 - largest);
      }),
      { numRuns: 100 },
    );
  });

  it('of several is the lowest', () => {
    const buckets = [5_000_000, 1_000_000, Number.POSITIVE_INFINITY].map((rate) => new TokenBucket(rate, 0));
    expect(drain(buckets, [16_384], 10_000) / 10_000_000).toBeCloseTo(1, 1);
  });

  it('does not pay out a long pause', () => {
    const bucket = new TokenBucket(1_000_000, 0);
    drain([bucket], [16_384], 1000);
    expect(drain([bucket], [16_384], 1000, 3_600_000)).toBeLessThan(1_000_000 * 1.2);
  });

  it('can be changed, also from and to no limit', () => {
    const bucket = new TokenBucket(Number.POSITIVE_INFINITY, 0);
    bucket.take(1e12, 0);
    expect(bucket.wait(0)).toBe(0);
    bucket.setRate(1_000_000, 0);
    expect(drain([bucket], [16_384], 10_000) / 10_000_000).toBeCloseTo(1, 1);
    bucket.setRate(10_000_000, 10_000);
    expect(drain([bucket], [16_384], 10_000, 10_000) / 100_000_000).toBeCloseTo(1, 1);
    bucket.setRate(Number.POSITIVE_INFINITY, 20_000);
    expect(bucket.wait(20_000)).toBe(0);
  });

  it('tells those who wait that it has changed, as long as they listen', () => {
    const bucket = new TokenBucket(1000, 0);
    bucket.take(1_000_000, 0);
    let heard = 0;
    const end = bucket.onChange(() => heard++);
    bucket.setRate(10_000_000, 0);
    expect([heard, bucket.wait(0) <= 101, bucket.rate]).toEqual([1, true, 10_000_000]);
    end();
    bucket.setRate(5, 0);
    expect(heard).toBe(1);
  });

  it('is above 0', () => {
    for (const rate of [0, -1, Number.NaN]) expect(() => new TokenBucket(rate, 0)).toThrow(RangeError);
  });
});
