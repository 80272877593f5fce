import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Held, type Missing, plan } from './plan.ts';

const held = (size: number, more: Partial<Held> = {}): Held => ({
  size,
  lastUsed: 0,
  wanted: false,
  elsewhere: true,
  ...more,
});

describe('plan', () => {
  it('takes what fits, the oldest first', () => {
    const missing = new Map([
      ['b', { size: 40, published: 2 }],
      ['a', { size: 50, published: 1 }],
      ['c', { size: 40, published: 3 }],
    ]);
    expect(plan(new Map(), missing, 100)).toEqual({ evict: [], take: ['a', 'b'], waiting: ['c'] });
  });

  it('lets the least recently used go, and no more than is needed', () => {
    const here = new Map([
      ['old', held(30, { lastUsed: 1 })],
      ['older', held(30, { lastUsed: 0 })],
      ['new', held(30, { lastUsed: 2 })],
    ]);
    expect(plan(here, new Map([['x', { size: 50, published: 0 }]]), 100)).toEqual({
      evict: ['older', 'old'],
      take: ['x'],
      waiting: [],
    });
  });

  it('keeps what is wanted here, and what is nowhere else, and lets nothing go in vain', () => {
    const here = new Map([
      ['wanted', held(50, { wanted: true })],
      ['alone', held(40, { elsewhere: false })],
      ['spare', held(10)],
    ]);
    expect(plan(here, new Map([['x', { size: 20, published: 0 }]]), 100)).toEqual({
      evict: [],
      take: [],
      waiting: ['x'],
    });
  });

  it('comes down to a budget that was made smaller, as far as it may', () => {
    const here = new Map([
      ['wanted', held(50, { wanted: true })],
      ['spare', held(30)],
      ['other', held(30, { lastUsed: 1 })],
    ]);
    expect(plan(here, new Map(), 80)).toEqual({ evict: ['spare'], take: [], waiting: [] });
    expect(plan(here, new Map(), 10)).toEqual({ evict: ['spare', 'other'], take: [], waiting: [] });
  });

  it('holds to its rules whatever there is', () => {
    const heldArb = fc.record({
      size: fc.nat(100),
      lastUsed: fc.nat(10),
      wanted: fc.boolean(),
      elsewhere: fc.boolean(),
    });
    const missingArb = fc.record({ size: fc.nat(100), published: fc.nat(10) });
    const mapOf = <T>(prefix: string, values: readonly T[]) =>
      new Map(values.map((value, i) => [`${prefix}${i}`, value]));
    fc.assert(
      fc.property(fc.array(heldArb), fc.array(missingArb), fc.nat(1000), (some, others, budget) => {
        const here: Map<string, Held> = mapOf('h', some);
        const missing: Map<string, Missing> = mapOf('m', others);
        const { evict, take, waiting } = plan(here, missing, budget);
        expect([...take, ...waiting].sort()).toEqual([...missing.keys()].sort());
        for (const hash of evict) expect(here.get(hash)).toMatchObject({ wanted: false, elsewhere: true });
        expect(new Set(evict).size).toBe(evict.length);
        const sum = (hashes: readonly string[], of: ReadonlyMap<string, { size: number }>) =>
          hashes.reduce((total, hash) => total + of.get(hash)!.size, 0);
        const before = sum([...here.keys()], here);
        const after = before - sum(evict, here) + sum(take, missing);
        if (take.length > 0) expect(after).toBeLessThanOrEqual(Math.max(budget, before));
        if (evict.length > 0 && before <= budget) expect(take.length).toBeGreaterThan(0);
      }),
    );
  });
});
