import { describe, expect, it } from 'vitest';
import { RateLimits } from './rate-limits.ts';

describe('limits', () => {
  it('are changed one by one, and 0 lifts one', () => {
    const limits = new RateLimits({ uploadRate: 1000 });
    expect(limits.current).toEqual({ uploadRate: 1000, downloadRate: 0 });
    limits.set({ downloadRate: 5_000_000 });
    limits.set({ uploadRate: 0 });
    expect(limits.current).toEqual({ uploadRate: 0, downloadRate: 5_000_000 });
    limits.set({ downloadRate: Number.POSITIVE_INFINITY });
    expect(limits.current).toEqual({ uploadRate: 0, downloadRate: 0 });
  });

  it('below 0 are refused, and change nothing', () => {
    const limits = new RateLimits({ uploadRate: 7 });
    expect(() => limits.set({ uploadRate: 9, downloadRate: -1 })).toThrow(RangeError);
    expect(() => limits.set({ uploadRate: Number.NaN })).toThrow(RangeError);
    expect(limits.current).toEqual({ uploadRate: 7, downloadRate: 0 });
  });
});
